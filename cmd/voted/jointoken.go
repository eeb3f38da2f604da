package main

import (
	"time"

	"voted/internal/usage"
)

type clusterToken struct {
	connection
	ID     string        `arg:"" help:"Id of the member that it is for."`
	TTL    time.Duration `help:"How long it is good, in whole seconds, a week at most." default:"1h" name:"ttl"`
	Revoke bool          `help:"Withdraw those of this member instead."`
}

func (clusterToken) Help() string {
	return `The token is printed, once, and is nowhere else: the cluster keeps its hash. It lets the member of this id in, which
also needs a certificate of the cluster's CA for that id. A newer one for the same id withdraws one that was not used.

    voted cluster token n4 > n4.token
    voted serve --id n4 --join 10.0.0.1:9080 --join-token-file n4.token …`
}

// Run makes the token, or withdraws what was made.
func (c *clusterToken) Run(s *session) error {
	if c.TTL < time.Second || c.TTL%time.Second != 0 {
		return usage.Errorf("--ttl must be whole seconds, at least one, such as 1h")
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	if c.Revoke {
		if err := cl.RevokeJoinTokens(s.ctx, c.ID); err != nil {
			return err
		}
		s.stdout.Linef("the join tokens of %s are withdrawn and no longer valid", c.ID)
		return nil
	}
	t, err := cl.NewJoinToken(s.ctx, c.ID, c.TTL)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, t.Raw)
	}
	s.stderr.Linef("for member %s, once, until %s", t.ID, c.clock().Show(t.ExpiresAt))
	s.stdout.Linef("%s", t.Token)
	return nil
}
