"""The stacks in the order in which they are rendered: the one place that lists them."""

from generator.stacks.backup import BACKUP
from generator.stacks.budget import BUDGET
from generator.stacks.catalog import CATALOG
from generator.stacks.certificates import CERTIFICATES
from generator.stacks.cluster import CLUSTER
from generator.stacks.credentials import CREDENTIALS
from generator.stacks.database import DATABASE
from generator.stacks.firewall import FIREWALL
from generator.stacks.images import IMAGES
from generator.stacks.internal_balancer import INTERNAL_BALANCER
from generator.stacks.keys import KEYS
from generator.stacks.launch_role import LAUNCH_ROLE
from generator.stacks.logs import LOGS
from generator.stacks.monitoring import MONITORING
from generator.stacks.network import NETWORK
from generator.stacks.nginx import NGINX
from generator.stacks.notifications import NOTIFICATIONS
from generator.stacks.orthanc import ORTHANC
from generator.stacks.portfolio_shares import PORTFOLIO_SHARES
from generator.stacks.public_balancer import PUBLIC_BALANCER
from generator.stacks.root import ROOT
from generator.stacks.storage import STORAGE
from generator.stacks.trail import TRAIL

DEPLOYMENT = (
    ROOT,
    KEYS,
    NOTIFICATIONS,
    LOGS,
    NETWORK,
    CREDENTIALS,
    STORAGE,
    DATABASE,
    TRAIL,
    CERTIFICATES,
    PUBLIC_BALANCER,
    INTERNAL_BALANCER,
    FIREWALL,
    CLUSTER,
    ORTHANC,
    NGINX,
    BACKUP,
    MONITORING,
    BUDGET,
)
# Launched by themselves, each with a form of its own; the catalog nests a launch role, too, and its shares.
STANDALONE = (IMAGES, LAUNCH_ROLE, PORTFOLIO_SHARES, CATALOG)
STACKS = (*DEPLOYMENT, *STANDALONE)
