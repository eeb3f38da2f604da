package server

import (
	"crypto/tls"

	"voted/internal/cluster/peer"
	"voted/internal/pki"
)

// guards is what stands before both ports. It is opened before anything else, so
// that a file that cannot be read stops a node before it enters its cluster.
type guards struct {
	tls  *tls.Config // of the public port; nil: none
	peer peer.Options
}

func (s *Server) openGuards() (err error) {
	o := s.opts
	g := &s.guards
	g.peer = peer.Options{Bind: o.Peer, Advertise: o.AdvertisePeer, Logger: s.log}
	if o.hasPeerTLS() {
		f := pki.Files{Cert: o.PeerCert, Key: o.PeerKey, CA: o.PeerCA}
		if g.peer.ServerTLS, g.peer.ClientTLS, err = pki.Peer(s.log, f, o.ID); err != nil {
			return err
		}
		g.peer.Identify = pki.Member
	}
	if o.hasTLS() {
		if g.tls, err = pki.API(s.log, pki.Files{Cert: o.TLSCert, Key: o.TLSKey, CA: o.ClientCA}); err != nil {
			return err
		}
	}
	return nil
}
