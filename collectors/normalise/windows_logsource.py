"""The Sigma log source that a Windows event counts as: service by channel, categories by event id."""

SERVICES = {
    "security": "security",
    "system": "system",
    "application": "application",
    "directory service": "directory-service",
    "dns server": "dns-server",
    "microsoft-windows-dns-server/audit": "dns-server-audit",
    "microsoft-windows-dns-server/analytical": "dns-server-analytic",
    "microsoft-windows-dns client events/operational": "dns-client",
    "microsoft-windows-sysmon/operational": "sysmon",
    "microsoft-windows-powershell/operational": "powershell",
    "powershellcore/operational": "powershell",
    "windows powershell": "powershell-classic",
    "microsoft-windows-taskscheduler/operational": "taskscheduler",
    "microsoft-windows-wmi-activity/operational": "wmi",
    "microsoft-windows-driverframeworks-usermode/operational": "driver-framework",
    "microsoft-windows-ntlm/operational": "ntlm",
    "microsoft-windows-windows defender/operational": "windefend",
    "microsoft-windows-applocker/exe and dll": "applocker",
    "microsoft-windows-applocker/msi and script": "applocker",
    "microsoft-windows-applocker/packaged app-deployment": "applocker",
    "microsoft-windows-applocker/packaged app-execution": "applocker",
    "msexchange management": "msexchange-management",
    "microsoft-windows-printservice/admin": "printservice-admin",
    "microsoft-windows-printservice/operational": "printservice-operational",
    "microsoft-windows-terminalservices-localsessionmanager/operational": "terminalservices-localsessionmanager",
    "microsoft-windows-smbclient/security": "smbclient-security",
    "microsoft-windows-smbclient/connectivity": "smbclient-connectivity",
    "microsoft-windows-smbserver/connectivity": "smbserver-connectivity",
    "microsoft-windows-bits-client/operational": "bits-client",
    "microsoft-windows-windows firewall with advanced security/firewall": "firewall-as",
    "microsoft-windows-codeintegrity/operational": "codeintegrity-operational",
    "microsoft-windows-shell-core/operational": "shell-core",
    "microsoft-windows-security-mitigations/kernel mode": "security-mitigations",
    "microsoft-windows-security-mitigations/user mode": "security-mitigations",
    "microsoft-windows-diagnosis-scripted/operational": "diagnosis-scripted",
    "microsoft-windows-ldap-client/debug": "ldap",
    "openssh/operational": "openssh",
    "microsoft-windows-capi2/operational": "capi2",
    "microsoft-windows-certificateservicesclient-lifecycle-system/operational": (
        "certificateservicesclient-lifecycle-system"
    ),
    "microsoft-windows-vhdmp/operational": "vhdmp",
    "microsoft-windows-appxdeploymentserver/operational": "appxdeployment-server",
    "microsoft-windows-appxpackaging/operational": "appxpackaging-om",
    "microsoft-windows-appmodel-runtime/admin": "appmodel-runtime",
    "microsoft-windows-lsa/operational": "lsa-server",
    "microsoft-windows-dhcp-server/operational": "dhcp",
    "microsoft-servicebus-client": "microsoft-servicebus-client",
    "microsoft-windows-hyper-v-worker": "hyper-v-worker",
    "microsoft-windows-kernel-eventtracing": "kernel-event-tracing",
    "microsoft-windows-sense/operational": "sense",
    "microsoft-iis-configuration/operational": "iis-configuration",
    "microsoft-windows-kernel-shimengine/operational": "kernel-shimengine",
    "microsoft-windows-ntfs/operational": "ntfs",
}
"""Channel, lower-cased → Sigma service. A channel that is not here is its own service."""

REGISTRY = "registry_event"
CATEGORIES: dict[tuple[str, str], tuple[str, ...]] = {
    ("sysmon", "1"): ("process_creation",),
    ("sysmon", "2"): ("file_change",),
    ("sysmon", "3"): ("network_connection",),
    ("sysmon", "4"): ("sysmon_status",),
    ("sysmon", "5"): ("process_termination",),
    ("sysmon", "6"): ("driver_load",),
    ("sysmon", "7"): ("image_load",),
    ("sysmon", "8"): ("create_remote_thread",),
    ("sysmon", "9"): ("raw_access_thread",),
    ("sysmon", "10"): ("process_access",),
    ("sysmon", "11"): ("file_event",),
    ("sysmon", "12"): (REGISTRY, "registry_add", "registry_delete"),
    ("sysmon", "13"): (REGISTRY, "registry_set"),
    ("sysmon", "14"): (REGISTRY, "registry_rename"),
    ("sysmon", "15"): ("create_stream_hash",),
    ("sysmon", "16"): ("sysmon_status",),
    ("sysmon", "17"): ("pipe_created",),
    ("sysmon", "18"): ("pipe_created",),
    ("sysmon", "19"): ("wmi_event",),
    ("sysmon", "20"): ("wmi_event",),
    ("sysmon", "21"): ("wmi_event",),
    ("sysmon", "22"): ("dns_query",),
    ("sysmon", "23"): ("file_delete",),
    ("sysmon", "24"): ("clipboard_capture",),
    ("sysmon", "25"): ("process_tampering",),
    ("sysmon", "26"): ("file_delete_detected",),
    ("sysmon", "27"): ("file_block_executable",),
    ("sysmon", "28"): ("file_block_shredding",),
    ("sysmon", "29"): ("file_executable_detected",),
    ("sysmon", "255"): ("sysmon_error",),
    ("security", "4688"): ("process_creation",),
    ("powershell", "4103"): ("ps_module",),
    ("powershell", "4104"): ("ps_script",),
    ("powershell-classic", "400"): ("ps_classic_start",),
    ("powershell-classic", "600"): ("ps_classic_provider_start",),
}
"""Service and event id → Sigma categories."""


def service_of(channel: str) -> str:
    """The Sigma service of a channel."""
    name = channel.lower()
    return SERVICES.get(name, name)


def categories_of(service: str, code: str, kind: str) -> list[str]:
    """The Sigma categories of an event; ``kind`` (Sysmon's ``EventType``) says what happened to a registry key."""
    found = list(CATEGORIES.get((service, code), ()))
    if code == "12" and found:
        found.remove("registry_add" if kind.lower().startswith("delete") else "registry_delete")
    return found
