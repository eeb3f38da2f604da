package main

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"voted/cmd/voted/display"
	"voted/internal/livefile"
	"voted/internal/webhook"
)

func TestAPrintedKeyIsAKeyFileAndNoTwoAreTheSame(t *testing.T) {
	t.Parallel()
	first, second := voted("webhook", "key"), voted("webhook", "key")
	if first.code != 0 || first.out == second.out {
		t.Fatalf("printed are %q and %q, %s", first.out, second.out, first.errout)
	}
	hookKeys(t, second.out+first.out)
}

// hookKeys returns two generations of the key of an endpoint.
func hookKeys(t *testing.T, file string) (before, now webhook.Key) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "webhook.key")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := webhook.OpenKeys(livefile.NewWatch(slog.New(slog.DiscardHandler)), path)
	if err != nil {
		t.Fatal(err)
	}
	crm := webhook.Generation{Endpoint: "crm", Number: 1, Key: 1}
	before = keys.Key(crm)
	crm.Key = 2
	return before, keys.Key(crm)
}

const hookKeyLine = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n"

// delivery is a request with an event.
func delivery(number, previous uint64, signs ...webhook.Key) *http.Request {
	id := "evt_c_" + strconv.FormatUint(number, 10)
	body := `{"specversion":"1.0","id":"` + id + `","source":"/voted/c","type":"poll.closed","subject":"polls/lunch","time":"2026-11-28T01:20:12.345Z",` +
		`"sequence":"` + strconv.FormatUint(number, 10) + `","index":"7","previous":"` + strconv.FormatUint(previous, 10) + `","data":{"results":{"winners":["pizza"]}}}`
	now := time.Now()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Webhook-Id", id)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	r.Header.Set("Webhook-Signature", webhook.Sign(id, now, []byte(body), signs...))
	return r
}

func TestTheWorkbenchVerifiesAndNotesRepetitionsAndGaps(t *testing.T) {
	t.Parallel()
	before, now := hookKeys(t, hookKeyLine)
	stranger, _ := hookKeys(t, strings.Replace(hookKeyLine, "AQ", "BQ", 1))
	for _, asJSON := range []bool{false, true} {
		var out, errout bytes.Buffer
		ended := false
		r := &receiver{
			flags: &webhookListen{Count: 4, JSON: asJSON, UTC: true}, secrets: []string{before.Secret(), now.Secret()},
			stdout: display.New(&out), stderr: display.New(&errout), enough: func() { ended = true },
		}
		for i, step := range []struct {
			number, previous uint64
			signs            []webhook.Key
			status           int
			note             string // "": nothing is to be said of it
		}{
			{7, 5, []webhook.Key{before}, 204, ""}, // where it begins
			{9, 7, []webhook.Key{now}, 204, ""},
			{9, 7, []webhook.Key{now, before}, 204, "a repetition"},
			{12, 9, []webhook.Key{stranger}, 401, "refused: no signature of this webhook is by the endpoint's key"},
			{12, 9, nil, 401, "refused: this request has not the header of a webhook"},
			{12, 10, []webhook.Key{stranger, now}, 204, "events after 9 are missing; voted events --after 9 shows them"},
			{13, 12, []webhook.Key{now}, 204, ""},
		} {
			out.Reset()
			errout.Reset()
			answer := httptest.NewRecorder()
			r.ServeHTTP(answer, delivery(step.number, step.previous, step.signs...))
			said := out.String() + errout.String()
			if answer.Code != step.status || !strings.Contains(said, step.note) || step.note == "" && (strings.Contains(said, "repetition") || strings.Contains(said, "missing")) {
				t.Errorf("step %d is answered with %d, and said is %q", i, answer.Code, said)
			}
			if printed := strings.Contains(out.String(), "pizza"); printed != (step.status == 204) || asJSON && printed && !strings.HasPrefix(out.String(), `{"specversion"`) {
				t.Errorf("step %d: printed is %q", i, out.String())
			}
			if last := i == 6; ended != last {
				t.Errorf("after step %d of 7 with four new events it has ended: %t", i, ended)
			}
		}
		answer := httptest.NewRecorder()
		r.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
		if answer.Code != http.StatusMethodNotAllowed {
			t.Errorf("a GET is answered with %d", answer.Code)
		}
	}
}

func TestTheWorkbenchEndsAfterTheEventsItWasToReceive(t *testing.T) {
	t.Parallel()
	key, _ := hookKeys(t, hookKeyLine)
	secret := filepath.Join(t.TempDir(), "hook.secret")
	if err := os.WriteFile(secret, []byte(key.Secret()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	said, saying := io.Pipe()
	var out bytes.Buffer // read once the command has ended
	s := &session{ctx: t.Context(), stdout: display.New(&out), stderr: display.New(saying), flags: &commonFlags{LogLevel: "error", LogFormat: "text"}}
	ended := make(chan error, 1)
	go func() { ended <- (&webhookListen{SecretFile: secret, Count: 1, JSON: true}).Run(s) }()
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	at := strings.TrimSpace(line[strings.LastIndexByte(line, ' ')+1:])
	r := delivery(7, 0, key)
	sent, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at, r.Body)
	if err != nil {
		t.Fatal(err)
	}
	sent.Header = r.Header
	answer, err := http.DefaultClient.Do(sent)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if err := <-ended; err != nil || answer.StatusCode != 204 || !strings.Contains(out.String(), `"id":"evt_c_7"`) {
		t.Errorf("it answers %d, prints %q and ends with %v", answer.StatusCode, out.String(), err)
	}
}

func TestTheWorkbenchSaysWhatKeepsItFromReceiving(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"--secret-file " + empty + "x":         "there is no file",
		"--secret-file " + empty:               "is empty",
		"--port 9000":                          "--secret-file",
		"--count -1 --secret-file " + empty:    "--count",
		"--port 70000 --secret-file events.go": "cannot listen on port 70000",
	} {
		got := voted(append([]string{"webhook", "listen"}, strings.Fields(line)...)...)
		if got.code != 2 || !strings.Contains(got.errout, want) {
			t.Errorf("`voted webhook listen %s` exits %d and says %s", line, got.code, got.errout)
		}
	}
}
