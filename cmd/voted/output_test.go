package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"voted/cmd/voted/display"
)

// A script that reads half of a table, or nothing, must learn it from the exit code.
func TestOutputThatCannotBeWrittenIsAnExitCode(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no device that is always full here: ", err)
	}
	defer full.Close()
	endpoint := startCluster(t, 1, "").Endpoints()[0]
	ballots := write(t, filepath.Join(t.TempDir(), "b.csv"), "voter,selections\nv1,a\n")
	follow(t, []string{endpoint}, []step{{"poll create p a b --eligibility roll", 0, nil}, {"poll create q a b --disclosure ballots", 0, nil}})
	for _, line := range []string{
		"results p", "results p --json", "poll list", "poll show p", "poll create q a b --disclosure ballots", "roll show p", "cluster status", "import q " + ballots, "import q " + ballots + " --json",
		"cast q v1 a", "export q", "version", "version --json", "--help",
	} {
		args := strings.Fields(line)
		if line != "--help" && !strings.HasPrefix(line, "version") {
			args = append(args, "--endpoint", endpoint)
		}
		var said bytes.Buffer
		if code := run(args, full, &said); code == 0 || !strings.Contains(said.String(), "no space left on device") || line != "--help" && !strings.Contains(said.String(), "is not complete") {
			t.Errorf("`voted %s` exits %d and says %q", line, code, said.String())
		}
	}
}

func TestErrorsAreJSONWhereJSONIsAskedFor(t *testing.T) {
	t.Parallel()
	endpoint := startCluster(t, 1, "").Endpoints()[0]
	for line, want := range map[string]complaint{
		"results none --endpoint " + endpoint:                      {Code: "poll_not_found", Detail: "there is no such poll"},
		"poll create p a b --max-score 3 --endpoint " + endpoint:   {Code: "invalid_poll"},
		"results p --endpoint http://127.0.0.1:1 --timeout 100ms":  {Code: "unavailable", Detail: "no node answered at http://127.0.0.1:1"},
		"cast p v a --endpoint http://127.0.0.1:1 --timeout 100ms": {Code: "unavailable", Detail: "no node answered at http://127.0.0.1:1"},

		"cast p zo\xeb a":       {Code: "usage", Detail: "is not UTF-8"},
		"import p /nowhere.csv": {Code: "usage", Detail: "there is no file /nowhere.csv"},
		"results p --wacth":     {Code: "usage", Detail: "unknown flag --wacth"},

		"export none -o /dev/null --endpoint " + endpoint:                 {Code: "poll_not_found"},
		"roll load none /dev/null --format ndjson --endpoint " + endpoint: {Code: "poll_not_found"},
	} {
		got := voted(append(strings.Fields(line), "--json")...)
		var c complaint
		if err := json.Unmarshal([]byte(got.errout), &c); err != nil || got.code == 0 || c.Code != want.Code || !strings.Contains(c.Detail, want.Detail) {
			t.Errorf("`voted %s --json` exits %d and says %q, %v", line, got.code, got.errout, err)
		}
		if strings.HasSuffix(line, endpoint) && c.RequestID == "" {
			t.Errorf("`voted %s --json` names no request: %q", line, got.errout)
		}
		if want.Code == "invalid_poll" && (len(c.Errors) == 0 || c.Errors[0].Field != "max_score") {
			t.Errorf("`voted %s --json` names no field: %q", line, got.errout)
		}
	}
	got := voted("version", "--json")
	var v map[string]string
	if err := json.Unmarshal([]byte(got.out), &v); err != nil || v["version"] == "" || v["go"] == "" {
		t.Errorf("the version is %q, %v", got.out, err)
	}
}

// unseen are characters that a terminal obeys or that are invisible, of every kind that
// display shows as an escape, and next to each kind one that is shown as it is.
const unseen = "\u007f\u0080\u009b\u00ad\u061c\u200b\u200f\u2028\u2029\u202e\u2066\ufeff\ufff9\U000e0001\U000e007fé\U0001f5f3"

func TestJSONHoldsNoCharacterThatATerminalObeysOrThatCannotBeSeen(t *testing.T) {
	t.Parallel()
	strange := map[string]any{"id": "p", "title": unseen, unseen: []string{unseen}, "state": "open", "poll": "p"}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		text, _ := json.Marshal(strange)
		switch {
		case strings.HasSuffix(r.URL.Path, "/missing"):
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusTeapot)
			text, _ = json.Marshal(map[string]any{"detail": unseen, "code": unseen})
		case r.Header.Get("Accept") == "text/event-stream":
			w.Header().Set("Content-Type", "text/event-stream")
			text = []byte("id: 1\nevent: results\ndata: " + strings.Replace(string(text), `"open"`, `"closed"`, 1) + "\n\n")
		case r.URL.Path == "/v1/polls":
			text, _ = json.Marshal(map[string]any{"polls": []any{strange}})
		}
		fmt.Fprintf(w, "%s", text)
	}))
	t.Cleanup(s.Close)
	for line, within := range map[string]func(map[string]any) any{
		"poll show p":         func(m map[string]any) any { return m["title"] },
		"results p":           func(m map[string]any) any { return m[unseen].([]any)[0] },
		"results p --watch":   func(m map[string]any) any { return m["title"] },
		"cluster status":      func(m map[string]any) any { return m["title"] },
		"poll show missing":   func(m map[string]any) any { return m["detail"] },
		"import p /none/FILE": nil,
	} {
		args := append(strings.Fields(line), "--json")
		for i := range args {
			args[i] = strings.Replace(args[i], "FILE", unseen, 1)
		}
		got := at(s.URL, args...)
		text := got.out + got.errout
		for _, r := range text {
			if r != '\n' && display.Safe(string(r)) != string(r) {
				t.Errorf("`voted %s --json` prints %U:\n%q", line, r, text)
				break
			}
		}
		if !strings.Contains(text, `\udb40\udc01`) || strings.Contains(line, "show p") && !strings.Contains(text, "é\U0001f5f3") {
			t.Errorf("`voted %s --json` prints %q", line, text)
		}
		m := map[string]any{}
		if err := json.Unmarshal([]byte(text), &m); err != nil || within != nil && within(m) != unseen {
			t.Errorf("`voted %s --json` means %q, %v", line, m, err)
		}
	}
}
