/**
 * Judges a CloudFormation template by the HIPAA, NIST 800-53 and PCI packs of cdk-nag.
 *
 * Usage: node judge.js TEMPLATE.json
 * Writes a JSON list of {rule, resource, verdict, detail}, one for each rule that applies to a resource; the verdict is
 * "compliant", "non-compliant", or "unknown" where the rule cannot be decided.
 */
"use strict";

const path = require("node:path");
const { App, Stack } = require("aws-cdk-lib");
const { CfnInclude } = require("aws-cdk-lib/cloudformation-include");
const { HIPAASecurityChecks, NIST80053R5Checks, NagRuleCompliance, PCIDSS321Checks } = require("cdk-nag");

/** A pack that records every verdict; by itself it would report the failures alone. */
function recording(Pack, verdicts) {
  return class extends Pack {
    applyRule({ rule, ruleSuffixOverride, node, info }) {
      const name = `${this.packName}-${ruleSuffixOverride ?? rule.name}`;
      const record = (verdict, detail) =>
        verdicts.push({ rule: name, resource: Stack.of(node).resolve(node.logicalId), verdict, detail });
      let result;
      try {
        result = rule(node);
      } catch (error) {
        record("unknown", error.message);
        return;
      }
      if (Array.isArray(result)) {
        if (result.length === 0) record("compliant", info);
        for (const finding of result) record("non-compliant", `${info} ${finding}`);
      } else if (result !== NagRuleCompliance.NOT_APPLICABLE) {
        record(result === NagRuleCompliance.COMPLIANT ? "compliant" : "non-compliant", info);
      }
    }
  };
}

function judge(templateFile) {
  const stack = new Stack(new App({ analyticsReporting: false }), "Deployment");
  new CfnInclude(stack, "Template", { templateFile });
  const verdicts = [];
  for (const Pack of [HIPAASecurityChecks, NIST80053R5Checks, PCIDSS321Checks]) {
    new (recording(Pack, verdicts))().validateScope(stack);
  }
  return verdicts;
}

process.stdout.write(JSON.stringify(judge(path.resolve(process.argv[2]))));
