package main

import (
	"voted/internal/webhook"
)

type webhookCommands struct {
	Add       webhookAdd       `cmd:"" help:"Have events sent to a URL."`
	List      webhookList      `cmd:"" help:"List webhooks, and how far each is."`
	Show      webhookShow      `cmd:"" help:"Show a webhook, and what was given up."`
	Pause     webhookPause     `cmd:"" help:"Send nothing to a webhook for now."`
	Resume    webhookResume    `cmd:"" help:"Let a webhook go on where it stopped."`
	Ping      webhookPing      `cmd:"" help:"Send a ping now, and show what came back."`
	Rotate    webhookRotate    `cmd:"" help:"Give a webhook a new secret."`
	Redeliver webhookRedeliver `cmd:"" help:"Have events sent once more."`
	Attempts  webhookAttempts  `cmd:"" help:"Show what was tried lately."`
	Rm        webhookRm        `cmd:"" help:"Delete a webhook."`

	Key    webhookKey    `cmd:"" help:"Make the key file of a cluster's webhooks."`
	Listen webhookListen `cmd:"" help:"Receive webhooks on this machine, to try things."`
}

type webhookKey struct{}

func (webhookKey) Help() string {
	return `Prints one line, which is a key file for voted serve --webhook-key. All nodes have the same file; the keys of all webhooks
follow from it, and none of them is in the log or in backups. To change the file, put the new line before the old one:
deliveries are then signed by both. Take the old line away once all receivers have their new secrets.

    (umask 077; voted webhook key > webhook.key)`
}

// Run prints a key file.
func (webhookKey) Run(s *session) error {
	line, err := webhook.NewKeyLine()
	if err != nil {
		return err
	}
	s.stdout.Linef("%s", line)
	return nil
}
