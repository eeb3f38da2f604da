package server

import (
	"net"
	"net/url"
	"os"

	"voted/internal/api"
)

// hosts returns the host names under which an open node accepts requests: those that its
// operator gave it, and the machine's own. With TLS or credentials no such list is needed:
// a hostile page would need a certificate for its name, or a secret.
func (o Options) hosts() *api.Hosts {
	if !o.isOpen() {
		return nil
	}
	names := append([]string{hostOf(o.API), hostOf(o.Peer), hostOf(o.AdvertisePeer)}, o.AllowHosts...)
	if u, err := url.Parse(o.AdvertiseAPI); err == nil {
		names = append(names, u.Hostname())
	}
	if machine, err := os.Hostname(); err == nil {
		names = append(names, machine)
	}
	return api.NewHosts(names...)
}

func hostOf(address string) string {
	host, _, _ := net.SplitHostPort(address) // empty where there is none
	return host
}
