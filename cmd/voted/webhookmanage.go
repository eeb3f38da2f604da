package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"voted/client"
	"voted/internal/outfile"
	"voted/internal/usage"
)

// hooked are the flags of what is about one webhook.
type hooked struct {
	connection
	ID string `arg:"" name:"id" help:"Id of the webhook."`
}

// secretOut is where a secret goes.
type secretOut struct {
	Out string `short:"o" help:"Write the secret to this file, which only you may read, instead of printing it." placeholder:"FILE"`
}

// with lets do have a webhook with its secret, and writes that. The file is made first: a
// secret that cannot be written must not be made.
func (c *secretOut) with(s *session, f *connection, do func(cl *client.Client) (client.Webhook, error)) error {
	var out *outfile.File
	if c.Out != "" {
		var err error
		if out, err = outfile.Create(c.Out); err != nil {
			return fileProblem(c.Out, err)
		}
		defer out.Close()
	}
	cl, err := f.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	w, err := do(cl)
	if err != nil {
		return err
	}
	if out != nil {
		if _, err := out.WriteString(w.Secret + "\n"); err != nil {
			return fileProblem(c.Out, err)
		}
		if err := out.Commit(); err != nil {
			return fileProblem(c.Out, err)
		}
	}
	switch {
	case f.JSON && out != nil: // the secret is in the file, and nowhere else
		shown, err := withoutSecret(w.Raw)
		if err != nil {
			return err
		}
		return printJSON(s, shown)
	case f.JSON:
		return printJSON(s, w.Raw)
	case out != nil:
		s.stdout.Linef("%s is %s; its secret is in %s", w.ID, stateOfHook(w), c.Out)
	default:
		s.stderr.Linef("%s is %s; its secret:", w.ID, stateOfHook(w))
		s.stdout.Linef("%s", w.Secret)
	}
	return nil
}

// withoutSecret returns a webhook without the secret that it has.
func withoutSecret(raw json.RawMessage) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	err := json.Unmarshal(raw, &fields)
	delete(fields, "secret")
	return fields, err
}

type webhookAdd struct {
	hooked
	secretOut
	URL     string   `arg:"" help:"Where events are sent."`
	Type    []string `help:"Type of events to send, such as poll.closed, or poll.* for all that begin so; repeatable. All but ballots.counted without." placeholder:"TYPE"`
	Poll    []string `help:"Poll whose events are sent, or board-* for all whose ids begin so; repeatable. All without." placeholder:"ID"`
	Rate    int      `help:"Deliveries a second at most, up to 100." default:"20" placeholder:"N"`
	From    string   `help:"Where a new webhook begins: now, oldest, or the number of the first event to send." placeholder:"EVENT"`
	Replace bool     `help:"Change the webhook of this id, which is there."`
}

func (webhookAdd) Help() string {
	return `The receiver verifies what it gets with the secret, and is sent a webhook.ping first; events follow once it has answered
that with 2xx. The same command again changes nothing and shows the secret again.

    voted webhook add erp https://erp.example.org/hooks --type 'poll.*' -o erp.secret
    voted webhook add erp https://erp.example.org/hooks --type poll.closed --poll 'board-*' --replace -o erp.secret`
}

// Run adds a webhook, or changes it.
func (c *webhookAdd) Run(s *session) error {
	d := client.WebhookDefinition{URL: c.URL, Types: c.Type, Polls: c.Poll, Rate: c.Rate}
	if err := c.begins(&d); err != nil {
		return err
	}
	return c.with(s, &c.connection, func(cl *client.Client) (client.Webhook, error) {
		if c.Replace {
			now, err := cl.Webhook(s.ctx, c.ID)
			if err != nil {
				return now, err
			}
			d.IfRevision = now.Revision
		}
		return cl.PutWebhook(s.ctx, c.ID, d)
	})
}

// begins reads where the webhook is to begin.
func (c *webhookAdd) begins(d *client.WebhookDefinition) error {
	switch c.From {
	case "", "now":
		return nil
	case "oldest":
		d.From = c.From
		return nil
	}
	number, err := strconv.ParseUint(c.From, 10, 63)
	if err != nil || number == 0 {
		return usage.Errorf("--from is now, oldest, or the number of the first event to send")
	}
	d.Number = number
	return nil
}

type webhookRotate struct {
	hooked
	secretOut
	Overlap time.Duration `help:"How long the secret before signs too; 0s ends it now." default:"24h" placeholder:"DURATION"`
}

func (webhookRotate) Help() string {
	return `Both secrets sign until --overlap has passed, so that the receiver can change over in between.

    voted webhook rotate erp -o erp.secret`
}

// Run rotates the secret.
func (c *webhookRotate) Run(s *session) error {
	if c.Overlap < 0 || c.Overlap%time.Second != 0 {
		return usage.Errorf("--overlap must be whole seconds, such as 24h or 0s")
	}
	return c.with(s, &c.connection, func(cl *client.Client) (client.Webhook, error) {
		return cl.RotateWebhook(s.ctx, c.ID, c.Overlap)
	})
}

// on lets do have the client.
func (c *connection) on(do func(cl *client.Client) error) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	return do(cl)
}

type webhookPause struct{ hooked }

func (webhookPause) Help() string {
	return "What happens meanwhile is sent when it goes on, as long as the cluster keeps it.\n\n    voted webhook pause erp"
}

// Run pauses a webhook.
func (c *webhookPause) Run(s *session) error { return c.pause(s, true) }

type webhookResume struct{ hooked }

func (webhookResume) Help() string {
	return "Lets a paused or disabled webhook go on where it stopped.\n\n    voted webhook resume erp"
}

// Run lets a webhook go on.
func (c *webhookResume) Run(s *session) error { return c.pause(s, false) }

func (c *hooked) pause(s *session, paused bool) error {
	return c.on(func(cl *client.Client) error {
		w, err := cl.PatchWebhook(s.ctx, c.ID, client.WebhookPatch{Paused: &paused})
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s, w.Raw)
		}
		s.stdout.Linef("%s is %s", w.ID, stateOfHook(w))
		return nil
	})
}

type webhookRedeliver struct {
	hooked
	Events []string `arg:"" optional:"" name:"event" help:"Ids of events, evt_…; up to 64."`
	After  *uint64  `help:"All events instead that the webhook asks for after the one with this number; refused where they are more than 64." placeholder:"N"`
}

func (webhookRedeliver) Help() string {
	return `Events are sent once more under the ids that they had. What was not delivered yet comes by itself.

    voted webhook redeliver erp evt_k2j4mq7xw3ab5cde_42
    voted webhook redeliver erp --after 41`
}

// Run has events sent once more.
func (c *webhookRedeliver) Run(s *session) error {
	if (len(c.Events) == 0) == (c.After == nil) {
		return usage.Errorf("name the events to send again, or --after with a number")
	}
	return c.on(func(cl *client.Client) error {
		send := func() (client.Webhook, error) { return cl.RedeliverWebhook(s.ctx, c.ID, c.Events...) }
		if c.After != nil {
			send = func() (client.Webhook, error) { return cl.RedeliverWebhookAfter(s.ctx, c.ID, *c.After) }
		}
		w, err := send()
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s, w.Raw)
		}
		s.stdout.Linef("%s wait to be sent again to %s, which is %s", events(w.Redelivering), w.ID, stateOfHook(w))
		return nil
	})
}

type webhookRm struct{ hooked }

func (webhookRm) Help() string {
	return "Sends nothing more. The same command again changes nothing.\n\n    voted webhook rm erp"
}

// Run deletes a webhook.
func (c *webhookRm) Run(s *session) error {
	return c.on(func(cl *client.Client) error {
		if err := cl.DeleteWebhook(s.ctx, c.ID); err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s, map[string]string{"deleted": c.ID})
		}
		s.stdout.Linef("nothing more is sent to %s", c.ID)
		return nil
	})
}

type webhookPing struct{ hooked }

func (webhookPing) Help() string {
	return `Has the node that leads send a webhook.ping now, and shows what came back. Exit 1: it was not delivered.

    voted webhook ping erp`
}

// Run pings a webhook.
func (c *webhookPing) Run(s *session) error {
	return c.on(func(cl *client.Client) error {
		p, err := cl.PingWebhook(s.ctx, c.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			if err := printJSON(s, p.Raw); err != nil {
				return err
			}
		} else if p.Delivered {
			s.stdout.Linef("%s answers %d%s", c.ID, p.Status, pongPlace(p))
		}
		if !p.Delivered {
			return fmt.Errorf("the ping was not delivered%s: %s", pongPlace(p), p.Failure)
		}
		return nil
	})
}
