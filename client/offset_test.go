package client_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"voted/client"
)

func TestATimeWithAnOffsetThatNoClockHasIsNoTimeInAnyAnswer(t *testing.T) {
	t.Parallel()
	const receipt = `{"poll":"p","voter":"v","outcome":"counted","version":1,"ballot":1,"index":3,"cast_at":"2026-12-02T20:00:00.000TIME"`
	for name, a := range map[string]struct {
		answer string
		read   func(*client.Client) error
	}{
		"a receipt": {receipt + `}`, func(c *client.Client) error {
			_, err := c.Receipt(t.Context(), "p", "v")
			return err
		}},
		"a receipt of an unusual form": {receipt + `,"note":{}}`, func(c *client.Client) error {
			_, err := c.Receipt(t.Context(), "p", "v")
			return err
		}},
		"a poll": {`{"id":"p","options":[],"closes_at":"2026-12-02T20:00:00TIME","state":"open","revision":1}`, func(c *client.Client) error {
			_, err := c.Poll(t.Context(), "p")
			return err
		}},
		"a poll in a list": {`{"polls":[{"id":"p","options":[],"opens_at":"2026-12-02T20:00:00TIME","state":"open","revision":1}]}`, func(c *client.Client) (err error) {
			for _, err = range c.Polls(t.Context(), client.PollsQuery{}) {
			}
			return err
		}},
		"the cluster": {`{"leader":"n1","members":[{"id":"n1","away_since":"2026-12-02T20:00:00TIME"}]}`, func(c *client.Client) error {
			_, err := c.Cluster(t.Context())
			return err
		}},
		"a join token": {`{"id":"n4","token":"x","expires_at":"2026-12-02T20:00:00TIME"}`, func(c *client.Client) error {
			_, err := c.NewJoinToken(t.Context(), "n4", 0)
			return err
		}},
		"a ballot of an export": {`{"ballot":1,"voter":"v","selections":["a"],"version":1,"index":3,"cast_at":"2026-12-02T20:00:00TIME","weight":1}` + "\n", func(c *client.Client) (err error) {
			for _, err = range c.ExportBallots(t.Context(), "p") {
			}
			return err
		}},
	} {
		for offset, good := range map[string]bool{
			"Z": true, "+23:59": true, "-23:59": true, "+24:00": false, "-24:00": false, "+00:60": false, "+23:60": false,
		} {
			c := newClient(t, []string{serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if strings.Contains(name, "export") {
					w.Header().Set("Content-Type", "application/x-ndjson")
				}
				_, _ = w.Write([]byte(strings.ReplaceAll(a.answer, "TIME", offset)))
			})})
			err := a.read(c)
			var refused *client.Error
			if (err == nil) != good || errors.As(err, &refused) {
				t.Errorf("%s, %s: %v", name, offset, err)
			}
			if err != nil && !strings.Contains(err.Error(), "_at") && !strings.Contains(err.Error(), "away_since") {
				t.Errorf("%s, %s: the field is not named: %v", name, offset, err)
			}
		}
	}
}
