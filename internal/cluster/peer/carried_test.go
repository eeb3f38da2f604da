package peer

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"voted/internal/trace"
)

// answerCarried answers with what the call's context carries.
func answerCarried(ctx context.Context, _ string, _ []byte) ([]byte, error) {
	return []byte(trace.From(ctx).ID), nil
}

func TestACallCarriesTheRequestForWhichItIsMade(t *testing.T) {
	t.Parallel()
	a, b := listen(t, Options{}), listen(t, Options{})
	b.Handle(answerCarried)
	for _, id := range []string{"", "op-1"} {
		got, err := a.Call(trace.With(within(t, 10*time.Second), trace.Carried{ID: id}), b.Addr(), "execute", []byte("x"))
		must(t, err)
		if string(got) != id {
			t.Errorf("%q arrived as %q", id, got)
		}
	}
}

// Older builds send no id; later ones may send what this one does not know.
func TestACallOfAnotherBuildIsAnswered(t *testing.T) {
	t.Parallel()
	p := listen(t, Options{})
	p.Handle(answerCarried)
	raw := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return greeted(t, p), nil }}
	defer raw.CloseIdleConnections()
	for name, c := range map[string]struct {
		header map[string]string
		want   string
	}{
		"no id":                  {nil, ""},
		"a header of the future": {map[string]string{"Voted-Later": "x", "X-Request-Id": "op-1"}, "op-1"},
		"an id that is too long": {map[string]string{"X-Request-Id": strings.Repeat("x", 129)}, ""},
		"an id with blanks":      {map[string]string{"X-Request-Id": "a b"}, ""},
	} {
		r, err := http.NewRequestWithContext(within(t, 10*time.Second), http.MethodPost, "http://"+p.Addr()+callPath+"execute", strings.NewReader("x"))
		must(t, err)
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		resp, err := raw.RoundTrip(r)
		must(t, err)
		var body bytes.Buffer
		_, err = body.ReadFrom(resp.Body)
		must(t, err)
		must(t, resp.Body.Close())
		if resp.StatusCode != http.StatusOK || body.String() != c.want {
			t.Errorf("%s: %s %q, want %q", name, resp.Status, body.String(), c.want)
		}
	}
}
