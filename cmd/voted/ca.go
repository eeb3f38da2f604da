package main

import (
	"time"

	"voted/internal/auth"
	"voted/internal/pki"
	"voted/internal/proofkey"
	"voted/internal/usage"
)

type caCommands struct {
	Init  caInit  `cmd:"" help:"Make a private CA."`
	Issue caIssue `cmd:"" help:"Issue a certificate with it."`
}

type caInit struct {
	Dir  string `arg:"" help:"Directory of the CA; made if missing." placeholder:"DIR"`
	Name string `help:"What the CA calls itself." default:"voted cluster CA"`
}

func (caInit) Help() string {
	return `DIR/ca.crt goes to every node and client; DIR/ca.key never leaves, and is best kept on a machine that is none of them.

    voted ca init ./ca`
}

// Run makes the CA.
func (c *caInit) Run(s *session) error {
	if _, err := pki.Init(c.Dir, c.Name, time.Now()); err != nil {
		return usage.Mark(err)
	}
	s.stdout.Linef("a CA in %s: give ca.crt to every node and client, and keep ca.key to yourself", c.Dir)
	return nil
}

type caIssue struct {
	Dir   string        `arg:"" help:"Directory of the CA." placeholder:"DIR"`
	Kind  string        `arg:"" help:"member, server or client." enum:"member,server,client"`
	Name  string        `arg:"" help:"Id of the member, or a name for the server or client; also of the files."`
	Host  []string      `help:"Names and addresses under which a member or server is reached." placeholder:"HOST,…"`
	Role  string        `help:"Roles of a client: admin, gateway, reader, auditor, metrics, separated by commas." placeholder:"ROLE,…"`
	Out   string        `help:"Directory of the files NAME.crt and NAME.key; by default that of the CA." placeholder:"DIR"`
	Valid time.Duration `help:"How long it is valid, such as 2160h." default:"9528h"`
}

func (caIssue) Help() string {
	return `A member's certificate serves for its peer port, and with --host for its API too. To renew one, issue it again
under the same name: nodes that run read the new files.

A member also gets the key with which it signs the heads of logs, NAME.proof.key, and certificates of it in
NAME.proof.crt, from which voted proof policy makes policies. A key that is there stays when certificates are renewed.

    voted ca issue ./ca member n1 --host n1.example.org,10.0.0.1
    voted ca issue ./ca client ops --role admin`
}

// Run issues the certificate.
func (c *caIssue) Run(s *session) error {
	request := pki.Request{Hosts: c.Host, Lifetime: c.Valid, Now: time.Now()}
	switch c.Kind {
	case "member":
		request.Member = c.Name
	case "client":
		roles, err := auth.ParseRoles(c.Role)
		if err != nil {
			return usage.Errorf("--role: %w", err)
		}
		request.Client, request.Roles = c.Name, roles.String()
	}
	if c.Valid <= 0 {
		return usage.Errorf("--valid must be longer than zero, such as 2160h")
	}
	ca, err := pki.Open(c.Dir)
	if err != nil {
		return usage.Mark(err)
	}
	out := c.Out
	if out == "" {
		out = c.Dir
	}
	cert, key, err := ca.IssueTo(out, c.Name, request)
	if err != nil {
		return usage.Mark(err)
	}
	s.stdout.Linef("%s and %s", cert, key)
	if c.Kind == "member" {
		return c.issueProofKey(s, ca, out, request.Now)
	}
	return nil
}

// issueProofKey makes the member's proof key, or certifies again what is there.
func (c *caIssue) issueProofKey(s *session, ca *pki.CA, dir string, now time.Time) error {
	done, err := proofkey.Issue(ca, dir, c.Name, now)
	if err != nil {
		return usage.Mark(err)
	}
	key, cert := proofkey.Files(dir, c.Name)
	switch done {
	case proofkey.Made:
		s.stdout.Linef("%s and %s, a new proof key", cert, key)
	case proofkey.Renewed:
		s.stdout.Linef("%s, of the proof key that was there", cert)
	case proofkey.Away:
		s.stdout.Linef("%s was left as it is, because its key %s is elsewhere; move both away to make a new one", cert, key)
	}
	return nil
}
