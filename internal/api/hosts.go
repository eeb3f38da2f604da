package api

import (
	"net/netip"
	"strings"
)

// Hosts are the names by which a node without TLS and credentials may be called. A page
// could reach such a node through a name of its own that resolves to the node's address
// (DNS rebinding): the browser then takes the node for the page's own host. That needs a
// name which the page's owner controls, so addresses and localhost are always accepted.
type Hosts struct{ names map[string]bool }

// NewHosts returns hosts that know these names, without regard to case.
func NewHosts(names ...string) *Hosts {
	h := &Hosts{map[string]bool{}}
	for _, name := range names {
		if name != "" {
			h.names[strings.ToLower(name)] = true
		}
	}
	return h
}

// Know reports whether the value of a Host header, with or without a port, is an address
// or one of the names. An absent one is accepted, since browsers always send it.
func (h *Hosts) Know(host string) bool {
	if host == "" {
		return true
	}
	name := strings.ToLower(nameIn(host))
	if h.names[name] || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

// nameIn returns a host without its port, the brackets of IPv6 and the dot of the
// root.
func nameIn(host string) string {
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		host = host[:colon]
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return host[1 : len(host)-1]
	}
	return strings.TrimSuffix(host, ".")
}
