package main

import "voted/cmd/voted/verify"

type verifyPolicy struct {
	verdictFlags
	File  string `arg:"" help:"The newer policy, as voted proof sign leaves it."`
	Under string `help:"The policy that it should follow." required:"" placeholder:"FILE"`
}

func (verifyPolicy) Help() string {
	return `Says whether enough of an older policy's keys signed a newer one, and which keys come and go. Then whoever has the older one
may take the newer one too, wherever it comes from. With --next the older one is the last of a row.

    voted verify policy board-2026.new.policy --under board-2026.policy
    voted verify policy third.policy --under board-2026.policy --next board-2026.new.policy

Exit code 0 where it is so, 1 where it is not, 2 where these files cannot decide it.`
}

// Run checks the policy.
func (c *verifyPolicy) Run(s *session) error {
	old, err := c.policy(c.Under)
	if err != nil {
		return err
	}
	file, err := c.read(c.File)
	if err != nil {
		return err
	}
	return c.show(s, verify.NextPolicy(old, file))
}
