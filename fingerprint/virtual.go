package fingerprint

import "strings"

// virtualMachine names the virtual machine that a system's vendor and product give away (systemd's detect-virt has the
// same list), or nothing.
func virtualMachine(vendor, product string) string {
	for _, known := range [...]struct{ prefix, name string }{
		{"KVM", "kvm"}, {"OpenStack", "kvm"}, {"KubeVirt", "kvm"}, {"Amazon EC2", "amazon"}, {"QEMU", "qemu"},
		{"VMware", "vmware"}, {"VMW", "vmware"}, {"innotek GmbH", "virtualbox"}, {"VirtualBox", "virtualbox"},
		{"Oracle Corporation", "virtualbox"}, {"Xen", "xen"}, {"Bochs", "bochs"}, {"Parallels", "parallels"},
		{"BHYVE", "bhyve"}, {"Google Compute Engine", "google"}, {"Apple Virtualization", "apple"}, {"Nutanix", "nutanix"},
		{"Alibaba Cloud", "alibaba"}, {"DigitalOcean", "digitalocean"}, {"Hetzner", "hetzner"},
	} {
		// Oracle sells hardware, too.
		if known.prefix == "Oracle Corporation" && !strings.HasPrefix(product, "VirtualBox") {
			continue
		}
		if strings.HasPrefix(vendor, known.prefix) || strings.HasPrefix(product, known.prefix) {
			return known.name
		}
	}
	if vendor == "Microsoft Corporation" && strings.HasPrefix(product, "Virtual Machine") {
		return "hyper-v"
	}
	return ""
}
