package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"voted/client"
	"voted/cmd/voted/display"
	"voted/internal/usage"
)

type clusterRestartCheck struct {
	connection
	ID   string        `arg:"" help:"Id of the member."`
	Wait time.Duration `help:"Wait so long for it to become safe." placeholder:"DURATION"`
}

// lookAgain is the pause between two checks of a command that waits.
const lookAgain = 500 * time.Millisecond

func (clusterRestartCheck) Help() string {
	return `Exit code 0 where the others can go on without the member for a moment, 1 with the reasons where they cannot. For scripts
that restart or upgrade one member after another:

    voted cluster restart-check n2 --wait 2m && ssh n2 systemctl restart voted`
}

// Run checks once, or with --wait until it is safe or the time is up.
func (c *clusterRestartCheck) Run(s *session) error {
	if c.Wait < 0 {
		return usage.Errorf("--wait cannot be negative")
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	until := time.Now().Add(c.Wait)
	for {
		risks, err := c.look(s, cl)
		if err != nil {
			return err
		}
		if len(risks) == 0 || time.Now().After(until) {
			return c.tell(s, risks)
		}
		select {
		case <-time.After(lookAgain):
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
	}
}

// look checks once, and returns the reasons why the member must not be restarted now.
func (c *clusterRestartCheck) look(s *session, cl *client.Client) ([]string, error) {
	status, err := cl.Cluster(s.ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(status.Members, func(m client.Member) bool { return m.ID == c.ID })
	if at < 0 {
		return nil, fmt.Errorf("there is no member %s; voted cluster status lists them", c.ID)
	}
	return status.Members[at].RestartRisks, nil
}

func (c *clusterRestartCheck) tell(s *session, risks []string) error {
	safe := len(risks) == 0
	switch {
	case c.JSON:
		if risks == nil {
			risks = []string{}
		}
		err := printJSON(s, struct {
			Member string   `json:"member"`
			Safe   bool     `json:"safe"`
			Risks  []string `json:"risks"`
		}{c.ID, safe, risks})
		if err != nil {
			return err
		}
	case safe:
		s.stdout.Linef("%s can be restarted now: the others go on without it", c.ID)
	default:
		s.stdout.Linef("%s must not be restarted now: %s", s.stdout.Paint(display.Bad, c.ID), strings.Join(risks, "; "))
	}
	if !safe {
		return errSaid
	}
	return nil
}
