// Package source names the client that a connection comes from, for limits and for the
// log of admin actions.
package source

import "net/netip"

// Of returns the address under which a client is counted. remote is the "host:port" at
// the other end of its connection. A whole IPv6 /64 counts as one client, under its first
// address. A loopback address is returned as it is, so that callers can recognise it.
// All clients without an IP address share the zero Addr.
func Of(remote string) netip.Addr {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	address := at.Addr().Unmap()
	if address.Is6() && !address.IsLoopback() {
		if network, err := address.Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return address
}
