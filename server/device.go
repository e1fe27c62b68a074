package server

// Installation is one installation on one device that holds, or shares, a seat. It is the activation that leases name.
type Installation struct {
	ID      string // act_ and 128 random bits
	Seat    string // equal for the installations on one device
	License string
	Name    string // the random id that the installation gave itself
	Label   string // what a person typed to tell their devices apart
	Prints  Prints

	Order   int64 // later installations of a license have a higher one
	Created int64 // Unix seconds
	Seen    int64 // activated, rebound, or a token first used; checks leave no trace
	Ended   int64 // Unix seconds; 0 while it lives
	Issued  int64 // number of tokens issued so far
	Renew   int64 // the vendor wants a token of this number or a later one in use; 0: no wish
}

// Token is a token as the server keeps it.
type Token struct {
	Hash         string // HashToken of it
	Installation string
	Number       int64 // counts the tokens of one installation, from 1
	Used         int64 // when it was first used, Unix seconds; 0: not yet
}

// Holder is all that a check needs to know: an installation with the terms it holds.
type Holder struct {
	Installation
	License License
	Product Product
	Edition Entitlements // of the license's edition
	Token   Token        // zero if found by the activation's id
}

// Prints is the fingerprint set of a device as the server keeps it: by kind, the HMAC under the Secret.
type Prints map[string]string

// The kinds of fingerprint that decide, and how much a match of each is worth.
const (
	kindCaller    = "caller"
	kindBIOS      = "bios-uuid"
	kindOSInstall = "os-install"
)

// deciders is from the surest kind to the least sure.
var deciders = [...]struct {
	kind string
	sure int
}{{kindCaller, 3}, {kindBIOS, 2}, {kindOSInstall, 1}}

// match says whether two sets are of one device: 0 if not, more the surer. The caller's value decides alone where both have
// it, else the BIOS UUID where both have it, else the OS installation.
func match(stored, sent Prints) int {
	for _, d := range deciders {
		x, y := stored[d.kind], sent[d.kind]
		if x == "" || y == "" {
			continue
		}
		if x == y {
			return d.sure
		}
		return 0
	}
	return 0
}

// common is the set of a fresh lease, in the values that the device sent: what was pinned or read now and still equals
// what is stored. What was read now counts before what was pinned; sent is it as the server keeps it.
func (s Secret) common(stored, sent Prints, pinned, readable map[string]string) map[string]string {
	set := make(map[string]string, len(pinned)+len(readable))
	for kind, v := range readable {
		if stored[kind] == sent[kind] {
			set[kind] = v
		}
	}
	for kind, v := range pinned {
		if _, read := readable[kind]; !read && stored[kind] == s.print(kind, v) {
			set[kind] = v
		}
	}
	return set
}
