package peer

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// record is a log that a test looks into while it is written.
type record struct {
	mu  sync.Mutex
	all bytes.Buffer // guarded by mu
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all.String()
}

func TestAMemberWithoutTLSOrOfAnotherCASaysSoInItsOwnLog(t *testing.T) {
	t.Parallel()
	server, client := mutual(t)
	foreignServer, foreignClient := mutual(t)
	for name, x := range map[string]struct {
		caller, called Options
		says           string
	}{
		"the caller forgot TLS":      {Options{}, Options{ServerTLS: server, ClientTLS: client}, "if it is under TLS, give this member --peer-ca"},
		"the other one forgot TLS":   {Options{ServerTLS: server, ClientTLS: client}, Options{}, "give it --peer-ca, --peer-cert and --peer-key, too"},
		"the two have different CAs": {Options{ServerTLS: foreignServer, ClientTLS: foreignClient}, Options{ServerTLS: server, ClientTLS: client}, "of another CA than this member's --peer-ca"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := new(record)
			x.caller.Logger = slog.New(slog.NewTextHandler(log, nil))
			a, b := listen(t, x.caller), listen(t, x.called)
			b.Handle(echo)
			_, err := a.Call(Meaning(within(t, 5*time.Second), "n2"), b.Addr(), "status", nil)
			if err == nil {
				t.Fatal("it was answered")
			}
			for _, part := range []string{"a member answers and cannot be talked to", x.says, "peer=" + b.Addr(), "member=n2"} {
				if !strings.Contains(log.String(), part) {
					t.Errorf("the log does not say %q: %q", part, log.String())
				}
			}
			var unheard *UnheardError
			if !errors.As(err, &unheard) || !strings.Contains(unheard.Because, x.says) || unheard.Addr != b.Addr() || !errors.Is(err, ErrNotSent) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestALineAboutAMemberNamesNoOneWhereNoOneIsMeant(t *testing.T) {
	t.Parallel()
	server, client := mutual(t)
	log := new(record)
	a := listen(t, Options{Logger: slog.New(slog.NewTextHandler(log, nil))})
	b := listen(t, Options{ServerTLS: server, ClientTLS: client})
	if _, err := a.Call(within(t, 5*time.Second), b.Addr(), "status", nil); err == nil {
		t.Fatal("it was answered")
	}
	if said := log.String(); !strings.Contains(said, "peer="+b.Addr()) || strings.Contains(said, "member=") {
		t.Errorf("the log says %q", said)
	}
}

func TestAWatchSaysWhomItCannotTalkTo(t *testing.T) {
	t.Parallel()
	server, client := mutual(t)
	log := new(record)
	a := listen(t, Options{Logger: slog.New(slog.NewTextHandler(log, nil))})
	b := listen(t, Options{ServerTLS: server, ClientTLS: client})
	if err := a.watchOnce(Meaning(within(t, 5*time.Second), "n2"), b.Addr()); err == nil {
		t.Fatal("it stands")
	}
	if said := log.String(); !strings.Contains(said, "member=n2") {
		t.Errorf("the log says %q", said)
	}
}

func TestAMemberThatEndsWhileItIsDialledIsNotTakenForOneThatIsSetUpWrongly(t *testing.T) {
	t.Parallel()
	server, client := mutual(t)
	for name, options := range map[string]Options{"in the clear": {}, "under TLS": {ServerTLS: server, ClientTLS: client}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := new(record)
			options.Logger = slog.New(slog.NewTextHandler(log, nil))
			p := listen(t, options)
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { // as the kernel does when a process is killed: the listener is closed and open connections are reset
				c, err := l.Accept()
				_ = l.Close()
				if err == nil {
					_, err = c.Read(make([]byte, 1)) // it is connected, and speaks
					_ = c.(*net.TCPConn).SetLinger(0)
					_ = c.Close()
				}
				ended <- err
			}()
			_, err = p.Call(within(t, 5*time.Second), l.Addr().String(), "status", nil)
			var unheard *UnheardError
			if err == nil || errors.As(err, &unheard) {
				t.Errorf("the call ended with %v", err)
			}
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			if strings.Contains(log.String(), "cannot be talked to") {
				t.Errorf("the log says %q", log.String())
			}
		})
	}
}
