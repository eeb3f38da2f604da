package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"voted/client"
	"voted/cmd/voted/clock"
	"voted/cmd/voted/display"
	"voted/internal/usage"
)

type webhookListen struct {
	Port       int    `help:"Port of 127.0.0.1 at which to receive." default:"9000" placeholder:"N"`
	SecretFile string `help:"File with the secret of the webhook, whsec_…; while it is rotated, with both, each in a line." required:"" placeholder:"FILE" secret:""`
	Count      int    `help:"End after so many events; pings and repetitions do not count. 0: at Ctrl-C." default:"0" placeholder:"N"`
	JSON       bool   `help:"Print each event as it came, one in a line; what there is to say of it goes to the standard error." name:"json"`
	UTC        bool   `help:"Show times in UTC, not in local time." name:"utc"`
}

func (webhookListen) Help() string {
	return `A receiver for the workbench: it checks each delivery's signature and time, and prints the event in a line, also where it
is a repetition, or where events before it are missing. What is not signed by the secret is answered with 401.

    voted webhook listen --secret-file hook.secret
    voted webhook listen --secret-file hook.secret --port 9001 --count 1 --json`
}

// The bounds of what is received.
const (
	// listenBody is far more than a delivery has, which stays below 20 KB.
	listenBody  = 64 << 10
	listenReads = 10 * time.Second
	listenEnds  = time.Second // for requests under way, once it is to stop
)

// Run receives until it is interrupted, or has received enough.
func (c *webhookListen) Run(s *session) error {
	if c.Count < 0 {
		return usage.Errorf("--count is a number of events, or 0 to go on until Ctrl-C")
	}
	secrets, err := readSecrets(c.SecretFile)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)))
	if err != nil {
		return usage.Errorf("cannot listen on port %d: %w", c.Port, err)
	}
	s.stderr.Linef("webhooks are received at http://%s/", listener.Addr())
	ctx, enough := context.WithCancel(s.ctx)
	defer enough()
	r := &receiver{flags: c, secrets: secrets, stdout: s.stdout, stderr: s.stderr, enough: enough}
	server := &http.Server{Handler: r, ReadTimeout: listenReads, WriteTimeout: listenReads}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }() // ends with Shutdown
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.Background(), listenEnds)
	defer cancel()
	err = server.Shutdown(ending)
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return errors.Join(err, r.err)
}

// readSecrets reads the secrets of a webhook, one in a line.
func readSecrets(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fileProblem(path, err)
	}
	secrets := strings.Fields(string(b))
	if len(secrets) == 0 {
		return nil, usage.Errorf("the file %s is empty; it has the secret of the webhook, whsec_…", path)
	}
	return secrets, nil
}

// receiver answers deliveries, and prints their events.
type receiver struct {
	flags          *webhookListen
	secrets        []string
	stdout, stderr *display.Output
	enough         func()

	mu    sync.Mutex
	dedup client.Deduplicator // guarded by mu
	begun bool                // an event came; guarded by mu
	count int                 // of events that were new; guarded by mu
	err   error               // of the output; guarded by mu
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "Webhooks come by POST.", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, listenBody))
	if err != nil {
		http.Error(w, "The body cannot be read, or is larger than any event.", http.StatusBadRequest)
		return
	}
	e, err := r.verify(req.Header, body)
	if err != nil {
		r.stderr.Linef("refused: %v", err)
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	if err := r.take(e); err != nil {
		http.Error(w, "The event could not be printed.", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// verify checks a delivery by each of the secrets.
func (r *receiver) verify(header http.Header, body []byte) (e client.WebhookEvent, err error) {
	for _, secret := range r.secrets {
		if e, err = client.VerifyWebhook(secret, header, body, 0); !errors.Is(err, client.ErrWebhookSignature) {
			return e, err
		}
	}
	return e, err
}

// take prints an event, and ends the command after the last one that it is to receive. An event
// that could not be printed was not taken: it comes again.
func (r *receiver) take(e client.WebhookEvent) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.begun && e.Number > 0 { // where a receiver begins, nothing is missing
		r.begun, r.dedup.Last = true, e.Previous
	}
	order := r.dedup.Look(e)
	if err := r.show(e, order); err != nil {
		r.err = err
		r.enough()
		return err
	}
	if r.dedup.Handled(e); e.Number > 0 && order != client.WebhookSeen {
		r.count++
	}
	if r.flags.Count > 0 && r.count >= r.flags.Count {
		r.enough()
	}
	return nil
}

// show prints an event, and what is to be said of it.
func (r *receiver) show(e client.WebhookEvent, order client.WebhookOrder) error {
	note := ""
	switch order {
	case client.WebhookSeen:
		note = "a repetition"
	case client.WebhookGap:
		note = "events after " + strconv.FormatUint(r.dedup.Last, 10) + " are missing; voted events --after " +
			strconv.FormatUint(r.dedup.Last, 10) + " shows them"
	case client.WebhookNext:
	}
	if r.flags.JSON {
		if note != "" {
			r.stderr.Linef("%s: %s", e.ID, note)
		}
		return encodeJSON(r.stdout.JSON(), e.Raw)
	}
	if note != "" {
		note = " (" + note + ")"
	}
	showEvent(r.stdout, e.JournalEvent, clock.Local(r.flags.UTC), note)
	return nil
}
