package netns

import (
	"fmt"
	"net/netip"
	"strings"
)

const (
	// rangeBits is the size of the range of one network: 64 addresses, of which each
	// member's link takes four, and the host's link the first four.
	rangeBits = 26
	linkBits  = 30
	linkSize  = 1 << (32 - linkBits)
	// maxMembers is how many members have room in a range.
	maxMembers = 1<<(32-rangeBits)/linkSize - 1
	// uplink is the name of the router's interface to the host.
	uplink = "host"
	// inner is the name of a member's only interface.
	inner = "eth0"
	// table is the name of the rules.
	table = "cut"
)

// blocks are where ranges are taken from: the one for measurements of networks (RFC 2544),
// and a private one (RFC 1918) if the first is in use here.
var blocks = []netip.Prefix{netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("10.0.0.0/8")}

// plan is the addresses and names of one network.
type plan struct {
	members int
	all     netip.Prefix
}

// draw lays a network into a block, at the position that a random number says.
func draw(block netip.Prefix, members int, random uint64) plan {
	ranges := uint64(1) << (rangeBits - block.Bits())
	return plan{members, netip.PrefixFrom(after(block.Addr(), uint32(random%ranges)<<(32-rangeBits)), rangeBits)}
}

// after returns the address that is n addresses after another one.
func after(a netip.Addr, n uint32) netip.Addr {
	b := a.As4()
	v := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	v += n
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

// link returns the two ends of a link: that of the host (0) or of a member (from 1),
// and that of the router.
func (p plan) link(i int) (end, router netip.Addr) {
	base := after(p.all.Addr(), uint32(i*linkSize))
	return after(base, 1), after(base, 2)
}

// host returns the address of a member.
func (p plan) host(member int) netip.Addr {
	a, _ := p.link(member + 1)
	return a
}

// device returns the name of the host's interface. The range is in the name, so that two
// runs that draw the same range at the same moment cannot both make the interface.
func (p plan) device() string {
	b := p.all.Addr().As4()
	return fmt.Sprintf("voted%02x%02x%02x%02x", b[0], b[1], b[2], b[3])
}

// port returns the name of the router's interface to a member.
func port(member int) string { return fmt.Sprintf("n%d", member+1) }

// routerScript makes the router's interfaces and moves their other ends to the
// namespaces, which are given as files.
func (p plan) routerScript(host string, members []string) string {
	var b strings.Builder
	pair := func(i int, name, other, to string) {
		_, router := p.link(i)
		fmt.Fprintf(&b, "link add name %s type veth peer name %s netns %s\n", name, other, to)
		fmt.Fprintf(&b, "addr add %s/%d dev %s\nlink set dev %s up\n", router, linkBits, name, name)
	}
	b.WriteString("link set dev lo up\n")
	pair(0, uplink, p.device(), host)
	for i, to := range members {
		pair(i+1, port(i), inner, to)
	}
	return b.String()
}

// memberScript sets up a member's side.
func (p plan) memberScript(member int) string {
	end, router := p.link(member + 1)
	return fmt.Sprintf("link set dev lo up\naddr add %s/%d dev %s\nlink set dev %s up\nroute add default via %s\n",
		end, linkBits, inner, inner, router)
}

// hostScript sets up the host's side.
func (p plan) hostScript() string {
	end, router := p.link(0)
	d := p.device()
	return fmt.Sprintf("addr add %s/%d dev %s\nlink set dev %s up\nroute add %s via %s dev %s\n", end, linkBits, d, d, p.all, router, d)
}

// cutRules drops what a member sends to the others, what they send to it, or both.
// It replaces what was cut before, in one transaction.
func (p plan) cutRules(member int, in, out bool) string {
	var others []string
	for i := range p.members {
		if i != member {
			others = append(others, port(i))
		}
	}
	var b strings.Builder
	b.WriteString(mendRules)
	if len(others) == 0 {
		return b.String() // there is no other member to be cut off from
	}
	all := "{ " + strings.Join(others, ", ") + " }"
	fmt.Fprintf(&b, "table ip %s {\n\tchain between {\n\t\ttype filter hook forward priority 0\n", table)
	if in {
		fmt.Fprintf(&b, "\t\tiifname %s oifname %s drop\n", all, port(member))
	}
	if out {
		fmt.Fprintf(&b, "\t\tiifname %s oifname %s drop\n", port(member), all)
	}
	b.WriteString("\t}\n}\n")
	return b.String()
}

// pairRules drops what two members send to each other. It replaces what was cut
// before.
func pairRules(a, b int) string {
	return fmt.Sprintf("%stable ip %s {\n\tchain between {\n\t\ttype filter hook forward priority 0\n"+
		"\t\tiifname %[3]s oifname %[4]s drop\n\t\tiifname %[4]s oifname %[3]s drop\n\t}\n}\n", mendRules, table, port(a), port(b))
}

// mendRules removes the rules, and does not fail if there are none.
const mendRules = "add table ip " + table + "\ndelete table ip " + table + "\n"
