package main

import "voted/internal/server"

// securityFlags are the flags of server.Security.
type securityFlags struct {
	Insecure bool `help:"Let a port that other machines can reach go without TLS and credentials: whoever reaches it may do everything."`

	TLSCert  string `help:"Certificate of the API, which is then served under TLS 1.3. Certificates, keys and tokens are read again when their files change." placeholder:"FILE" name:"tls-cert"`
	TLSKey   string `help:"Its key." placeholder:"FILE" name:"tls-key"`
	ClientCA string `help:"CA of the certificates with which clients may name themselves instead of by a token." placeholder:"FILE" name:"client-ca"`
	PeerCA   string `help:"CA of all members: the peer port then takes nobody without a member's certificate." placeholder:"FILE" name:"peer-ca"`
	PeerCert string `help:"This member's certificate, named voted://member/ID." placeholder:"FILE"`
	PeerKey  string `help:"Its key." placeholder:"FILE"`
}

func (f securityFlags) options() server.Security {
	return server.Security{
		Insecure: f.Insecure, TLSCert: f.TLSCert, TLSKey: f.TLSKey, ClientCA: f.ClientCA,
		PeerCA: f.PeerCA, PeerCert: f.PeerCert, PeerKey: f.PeerKey,
	}
}
