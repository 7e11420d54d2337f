/* The viewer reads from the store that serves it, with the login that the browser has for it.
   The first two lines stand for scripts of the viewer's page, which its policy forbids. */
window.PUBLIC_URL = '/viewer/';
window.browserImportFunction = address => import(address.replace(/^\//, window.PUBLIC_URL));
window.config = {
  routerBasename: '/viewer/',
  extensions: [],
  modes: [],
  showStudyList: true,
  maxNumberOfWebWorkers: 3,
  showLoadingIndicator: true,
  showWarningMessageForCrossOrigin: false,
  showCPUFallbackMessage: true,
  strictZSpacingForVolumeViewport: true,
  // The viewer is no medical device: whoever opens it is told so, again each month.
  investigationalUseDialog: { option: 'configure', days: 30 },
  defaultDataSourceName: 'store',
  dataSources: [
    {
      namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
      sourceName: 'store',
      configuration: {
        friendlyName: 'Image store',
        name: 'store',
        qidoRoot: '/dicom-web',
        wadoRoot: '/dicom-web',
        wadoUriRoot: '/dicom-web',
        qidoSupportsIncludeField: false,
        supportsReject: false,
        supportsStow: false,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
        imageRendering: 'wadors',
        thumbnailRendering: 'wadors',
        enableStudyLazyLoad: true,
        omitQuotationForMultipartRequest: true,
        bulkDataURI: { enabled: true, relativeResolution: 'studies' },
      },
    },
  ],
};
