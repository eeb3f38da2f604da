package auth

import (
	"fmt"
	"strings"
)

// Roles is a set of roles. The zero value is no role at all.
type Roles uint8

// The roles. One credential may have several; Voter is always alone.
const (
	Admin   Roles = 1 << iota // manages polls and the cluster; casts no ballots
	Gateway                   // casts for any voter, and reads receipts and results
	Voter                     // casts and reads one voter's own ballot
	Reader                    // reads polls, results and exports
	Metrics                   // reads what monitoring needs
	Auditor                   // reads each ballot of a poll, and what opens it
	Anybody                   // no credential is needed
)

var roleNames = []struct {
	role Roles
	name string
}{{Admin, "admin"}, {Gateway, "gateway"}, {Voter, "voter"}, {Reader, "reader"}, {Metrics, "metrics"}, {Auditor, "auditor"}, {Anybody, "anybody"}}

// ParseRoles reads the roles that a token or a client's certificate can have:
// "admin", or several as "gateway,reader".
func ParseRoles(s string) (Roles, error) {
	var all Roles
	for name := range strings.SplitSeq(s, ",") {
		var found Roles
		for _, r := range roleNames {
			if r.name == name && r.role&(Voter|Anybody) == 0 {
				found = r.role
			}
		}
		if found == 0 {
			return 0, fmt.Errorf("%q is no role; use admin, gateway, reader, auditor, metrics, or several with commas between", name)
		}
		all |= found
	}
	return all, nil
}

// Has reports whether r holds at least one of the roles of want.
func (r Roles) Has(want Roles) bool { return r&want != 0 }

// String writes roles as ParseRoles reads them.
func (r Roles) String() string {
	var names []string
	for _, n := range roleNames {
		if r.Has(n.role) {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ",")
}
