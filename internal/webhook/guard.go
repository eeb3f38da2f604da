package webhook

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"voted/internal/poll"
)

// Guard decides where deliveries may go. Who may name a URL must not have this node call
// machines of its own network. So it decides by the address that is about to be dialled: after
// each resolution of a name, and for each of its addresses. A check of the name before would be
// passed by a name that leads elsewhere a moment later.
type Guard struct {
	networks []netip.Prefix // allowed besides public addresses
	ports    []uint16       // allowed besides those of HTTPS
	http     bool           // URLs without TLS are allowed, and port 80
}

// NewGuard makes a guard that lets deliveries go to public addresses, by TLS to the ports 443 and
// 8443, and to what allow names: networks such as 10.0.0.0/8, addresses and ports. With http it
// allows URLs without TLS, and their port 80.
func NewGuard(allow []string, http bool) (*Guard, error) {
	g := &Guard{http: http}
	for _, text := range allow {
		if port, err := strconv.ParseUint(text, 10, 16); err == nil && port > 0 {
			g.ports = append(g.ports, uint16(port))
			continue
		}
		network, err := parseNetwork(text)
		if err != nil {
			return nil, err
		}
		g.networks = append(g.networks, network)
	}
	return g, nil
}

// parseNetwork reads a network, or an address as a network of itself alone.
func parseNetwork(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return p, fmt.Errorf("%q is neither a network such as 10.0.0.0/8, nor an address, nor a port", text)
	case p != p.Masked():
		return p, fmt.Errorf("%s is an address within the network %s; name one of them", text, p.Masked())
	case p.Addr().Is4In6():
		return p, fmt.Errorf("%s is the form in which IPv6 writes addresses of IPv4; name the network as one of IPv4", text)
	}
	return p, nil
}

// Allowed returns what operators have allowed besides public addresses and ports of HTTPS: networks,
// ports, and "http" where URLs need no TLS.
func (g *Guard) Allowed() (all []string) {
	for _, n := range g.networks {
		all = append(all, n.String())
	}
	for _, p := range g.ports {
		all = append(all, strconv.Itoa(int(p)))
	}
	if g.http {
		all = append(all, "http")
	}
	return all
}

// BlockedError is why the guard lets nothing go somewhere, as a sentence without its end.
type BlockedError struct{ why string }

func (e *BlockedError) Error() string { return e.why }

// Blocked marks the error for those who must not know this type.
func (e *BlockedError) Blocked() bool { return true }

func blocked(format string, args ...any) error { return &BlockedError{fmt.Sprintf(format, args...)} }

// Control is for net.Dialer: it is called with each address before a connection is made to it.
func (g *Guard) Control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return blocked("%q is no address with a port", address)
	}
	if err := g.checkAddress(at.Addr()); err != nil {
		return err
	}
	return g.checkPort(at.Port())
}

// Sender returns a Sender that calls no URL which CheckURL refuses. An endpoint may have been made
// at a member that allows more than this one.
func (g *Guard) Sender(s Sender) Sender { return guarded{s, g} }

type guarded struct {
	sender Sender
	guard  *Guard
}

// Send implements Sender.
func (s guarded) Send(ctx context.Context, r Request) Answer {
	if err := s.guard.CheckURL(r.URL); err != nil {
		return Answer{Fault: poll.FaultBlocked, Failure: "Not called: " + err.Error() + "."}
	}
	return s.sender.Send(ctx, r)
}

// CheckURL returns what is wrong with a URL as long as its name is not resolved, nil if nothing
// is. A name may still lead to where nothing may go: Control decides.
func (g *Guard) CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return blocked("this is not a URL with a host, such as https://example.org/hooks")
	case u.Scheme == "http" && !g.http:
		return blocked("webhooks go to https:// only; if this network is yours, http:// is allowed with --webhook-allow-http")
	case u.Scheme != "http" && u.Scheme != "https":
		return blocked("webhooks go to https:// only")
	case u.User != nil:
		return blocked("a URL must not have a user or a password in it; receivers know a delivery by its signature")
	case u.Fragment != "" || strings.HasSuffix(text, "#"):
		return blocked("a URL must not have a fragment (#): it is not sent")
	}
	port := map[string]uint64{"http": 80, "https": 443}[u.Scheme]
	if p := u.Port(); p != "" {
		if port, err = strconv.ParseUint(p, 10, 16); err != nil {
			return blocked("%q is no port", p)
		}
	} else if strings.HasSuffix(u.Host, ":") {
		return blocked("the port after the host is missing")
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		if err := g.checkAddress(a); err != nil {
			return err
		}
	}
	return g.checkPort(uint16(port))
}

func (g *Guard) checkPort(port uint16) error {
	if port == 443 || port == 8443 || port == 80 && g.http || slices.Contains(g.ports, port) {
		return nil
	}
	return blocked("port %d is not one that webhooks go to; allow it with --webhook-allow %d", port, port)
}

// checkAddress refuses addresses that are neither public nor allowed.
func (g *Guard) checkAddress(a netip.Addr) error {
	a = a.Unmap()
	if a.Zone() != "" {
		return blocked("%s is an address within one network", a)
	}
	allowed := slices.ContainsFunc(g.networks, func(n netip.Prefix) bool { return n.Contains(a) })
	if behind, ok := translated(a); ok && allowed {
		if err := g.checkAddress(behind); err != nil {
			return blocked("%s leads to %s, and %s", a, behind, err)
		}
		return nil
	}
	if allowed || public(a) {
		return nil
	}
	return blocked("%s is not a public address; allow its network with --webhook-allow %s if it is yours", a, networkOf(a))
}

// translated returns the address of IPv4 behind one that NAT64 translates (RFC 6052, RFC 8215).
func translated(a netip.Addr) (netip.Addr, bool) {
	if !slices.ContainsFunc(nat64, func(n netip.Prefix) bool { return n.Contains(a) }) {
		return netip.Addr{}, false
	}
	b := a.As16()
	return netip.AddrFrom4([4]byte(b[12:])), true
}

// public reports whether an address can be that of a machine on the internet.
func public(a netip.Addr) bool {
	if a.Is6() && !global.Contains(a) {
		return false
	}
	return !slices.ContainsFunc(special, func(n netip.Prefix) bool { return n.Contains(a) })
}

// networkOf returns the network of an address that is not public.
func networkOf(a netip.Addr) netip.Prefix {
	for _, n := range slices.Concat(special, nat64, local) {
		if n.Contains(a) {
			return n
		}
	}
	return netip.PrefixFrom(a, a.BitLen())
}

// The networks of the registries of special purpose addresses of IANA whose addresses are not
// reachable from everywhere, or lead to another address behind them.
var (
	// global is what of IPv6 is given to machines on the internet (RFC 4291).
	global = netip.MustParsePrefix("2000::/3")
	nat64  = prefixes("64:ff9b::/96", "64:ff9b:1::/48")
	// local is for the sentence alone: it is outside of global.
	local   = prefixes("::1/128", "fc00::/7", "fe80::/10", "ff00::/8")
	special = prefixes(
		"0.0.0.0/8",       // this network (RFC 791)
		"10.0.0.0/8",      // private (RFC 1918)
		"100.64.0.0/10",   // shared by customers of a carrier (RFC 6598)
		"127.0.0.0/8",     // loopback (RFC 1122)
		"169.254.0.0/16",  // link-local, and where clouds tell machines their secrets (RFC 3927)
		"172.16.0.0/12",   // private (RFC 1918)
		"192.0.0.0/24",    // of protocols (RFC 6890)
		"192.0.2.0/24",    // documentation (RFC 5737)
		"192.88.99.0/24",  // relays of 6to4 (RFC 7526)
		"192.168.0.0/16",  // private (RFC 1918)
		"198.18.0.0/15",   // benchmarks (RFC 2544)
		"198.51.100.0/24", // documentation (RFC 5737)
		"203.0.113.0/24",  // documentation (RFC 5737)
		"224.0.0.0/4",     // multicast (RFC 5771)
		"240.0.0.0/4",     // reserved, and broadcast (RFC 1112)
		"2001::/23",       // of protocols, with Teredo (RFC 2928, RFC 4380)
		"2001:db8::/32",   // documentation (RFC 3849)
		"2002::/16",       // 6to4, which leads to an address of IPv4 (RFC 3056)
		"3fff::/20",       // documentation (RFC 9637)
	)
)

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, t := range texts {
		all = append(all, netip.MustParsePrefix(t))
	}
	return all
}
