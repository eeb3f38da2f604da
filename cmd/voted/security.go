package main

import "voted/internal/server"

// securityFlags are the flags of server.Security.
type securityFlags struct {
	Insecure bool `help:"Let a port that other machines can reach go without TLS and credentials: whoever reaches it may do everything."`
}

func (f securityFlags) options() server.Security {
	return server.Security{Insecure: f.Insecure}
}
