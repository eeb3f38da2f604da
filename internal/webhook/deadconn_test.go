package webhook

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"voted/internal/poll"
)

// lossy is a connection whose other side can fall silent: what is sent then is lost.
type lossy struct {
	net.Conn
	silent atomic.Bool
	closed chan struct{}
	once   sync.Once
}

func (c *lossy) Write(b []byte) (int, error) {
	if c.silent.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *lossy) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.silent.Load() {
		<-c.closed
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *lossy) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// A connection of HTTP/2 is shared, so one that is dead must not be used for one attempt after another.
func TestADeadConnectionIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	for name, pings := range map[string]bool{"as it is": true, "control: nobody asks whether it lives": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Given a connection over which an event was delivered, and whose other side fell silent.
			receiver := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor != 2 {
					w.WriteHeader(http.StatusHTTPVersionNotSupported)
				}
			}))
			receiver.EnableHTTP2 = true
			receiver.StartTLS()
			defer receiver.Close()
			s := NewSender(guard(t, true, "127.0.0.0/8", portOf(t, receiver.URL)).Control, 2*time.Second).(*client)
			defer s.transport.CloseIdleConnections()
			s.transport.TLSClientConfig.RootCAs = receiver.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
			var newest atomic.Pointer[lossy]
			s.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := (&net.Dialer{}).DialContext(ctx, network, address)
				l := &lossy{Conn: c, closed: make(chan struct{})}
				newest.Store(l)
				return l, err
			}
			switch {
			case !pings:
				s.transport.HTTP2 = nil
			case s.transport.HTTP2 != nil: // the same, sooner
				s.transport.HTTP2.SendPingTimeout /= 50
				s.transport.HTTP2.PingTimeout /= 50
			}
			send := func() Answer {
				return s.Send(t.Context(), Request{Method: http.MethodPost, URL: receiver.URL, Header: http.Header{}, Body: []byte("{}")})
			}
			if a := send(); a.Result() != OK {
				t.Fatalf("the first one: %+v", a)
			}
			newest.Load().silent.Store(true)
			// When two more are sent.
			lost, next := send(), send()
			// Then the first one is lost with the connection, and the next one has a new connection.
			if want := map[bool]poll.Fault{true: poll.FaultConnect, false: poll.FaultTimeout}[pings]; lost.Fault != want {
				t.Errorf("over the dead connection: %+v", lost)
			}
			if (next.Result() == OK) != pings {
				t.Errorf("after it: %+v", next)
			}
		})
	}
}
