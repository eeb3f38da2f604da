package main

import "voted/internal/server"

// securityFlags are the flags of server.Security.
type securityFlags struct {
	Insecure bool `help:"Let a port that other machines can reach go without TLS and credentials: whoever reaches it may do everything."`

	TLSCert    string `help:"Certificate of the API, which is then served under TLS 1.3. Certificates, keys and tokens are read again when their files change." placeholder:"FILE" name:"tls-cert"`
	TLSKey     string `help:"Its key." placeholder:"FILE" name:"tls-key"`
	ClientCA   string `help:"CA of the certificates with which clients may name themselves instead of by a token." placeholder:"FILE" name:"client-ca"`
	ClientDeny string `help:"File of withdrawn ones among these certificates, a line each: voted://client/ROLES/NAME, or the SHA-256 fingerprint." placeholder:"FILE" name:"client-deny"`

	PeerCA   string `help:"CA of all members: the peer port then refuses connections without a member's certificate." placeholder:"FILE" name:"peer-ca"`
	PeerCert string `help:"This member's certificate, named voted://member/ID." placeholder:"FILE"`
	PeerKey  string `help:"Its key." placeholder:"FILE"`

	Tokens         string `help:"File of hashed bearer tokens, as voted token new writes them. With it, or another kind of credential, every request needs one." placeholder:"FILE"`
	CredentialKeys string `help:"File of public keys of voting credentials, as voted credential key writes them." placeholder:"FILE"`
	JWTKeys        string `help:"JWKS file or URL: voters may use JWTs signed with these keys; sub is the voter." placeholder:"FILE|URL" name:"jwt-keys"`
	OIDCIssuer     string `help:"The same with the keys of an OpenID Connect issuer." placeholder:"URL" name:"oidc-issuer"`
	JWTAudience    string `help:"What must stand in the aud of JWTs." placeholder:"NAME" name:"jwt-audience"`
	JWTIssuer      string `help:"What must stand in their iss (default: --oidc-issuer, or anything)." placeholder:"URL" name:"jwt-issuer"`

	AllowOrigin []string `help:"Origin of pages that may call the API from a browser, such as https://vote.example.org; repeatable. They send a token in a header: what the browser itself would show, such as a certificate, does not count (default: none)." placeholder:"URL"`
	AllowHost   []string `help:"A further name by which a node without TLS and credentials may be called; repeatable. Without it: addresses, localhost, the machine's name, and the names in --api, --peer and --advertise-…." placeholder:"NAME"`

	RatePerAddress float64 `help:"Requests a second from one address (default: not bounded)." placeholder:"N"`
	RatePerClient  float64 `help:"Requests a second with one credential (default: not bounded)." placeholder:"N"`
	MaxConnections int     `help:"Clients that may be connected (default 20000)." placeholder:"N"`

	MaxConnectionsPerAddress int `help:"Of these, those from one address, IPv6: one /64 (default: a quarter, and no limit for loopback addresses). Raise it on nodes behind a proxy of another machine." placeholder:"N"`

	Audit string `help:"File to which admin actions are written before they take effect; - is the standard output." placeholder:"FILE"`
}

func (f securityFlags) options() server.Security {
	return server.Security{
		Insecure: f.Insecure, TLSCert: f.TLSCert, TLSKey: f.TLSKey, ClientCA: f.ClientCA, ClientDeny: f.ClientDeny,
		PeerCA: f.PeerCA, PeerCert: f.PeerCert, PeerKey: f.PeerKey,
		Tokens: f.Tokens, CredentialKeys: f.CredentialKeys,
		JWTKeys: f.JWTKeys, OIDCIssuer: f.OIDCIssuer, JWTAudience: f.JWTAudience, JWTIssuer: f.JWTIssuer,
		AllowOrigins: f.AllowOrigin, AllowHosts: f.AllowHost,
		RatePerAddress: f.RatePerAddress, RatePerClient: f.RatePerClient, MaxConnections: f.MaxConnections, MaxConnectionsPerAddress: f.MaxConnectionsPerAddress, Audit: f.Audit,
	}
}
