package peer

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

// UnheardError: something answered the connection, but the handshake or the greeting
// failed. Nothing was sent to it.
type UnheardError struct {
	Addr    string // that was dialled
	Because string // the probable cause, and what to do about it
	Err     error  // of the handshake or the greeting
}

// Error implements error.
func (e *UnheardError) Error() string { return fmt.Sprintf("%s: %v", e.Because, e.Err) }

// Unwrap returns the error of the handshake or the greeting.
func (e *UnheardError) Unwrap() error { return e.Err }

type meantKey struct{}

// Meaning returns a context under which the log lines of calls and watches name the
// member that they are meant for. Whether that member answers is not checked.
func Meaning(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, meantKey{}, id)
}

func meantIn(ctx context.Context) string {
	id, _ := ctx.Value(meantKey{}).(string)
	return id
}

// unheard logs why a member that answered the connection cannot be talked to, so that a
// wrong setting at either end shows in the logs of both. err is the error of the
// handshake or the greeting. If its cause is known, the returned error says it, too.
func (p *Port) unheard(ctx context.Context, addr, want string, err error) error {
	sentence := unheardBecause(err, p.options.ClientTLS != nil)
	if sentence == "" || brokenOff(err) && !p.listensStill(ctx, addr) {
		return err
	}
	if p.ctx.Err() == nil && p.unheardLines.Allow() {
		where := []any{"peer", addr}
		if id := cmp.Or(want, meantIn(ctx)); id != "" {
			where = append(where, "member", id)
		}
		p.options.Logger.Warn("a member answers and cannot be talked to", append(where, "because", sentence, "error", err)...)
	}
	return &UnheardError{addr, sentence, err}
}

// unheardBecause returns a sentence with the probable cause, empty if it is not known:
// a process that exits and a call that is cancelled also break connections.
func unheardBecause(err error, secured bool) string {
	var alert *net.OpError
	var noTLS tls.RecordHeaderError
	var stranger x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &alert) && alert.Op == "remote error": // what crypto/tls makes of an alert
		return "it refuses this member's certificate; issue one of the cluster's CA that is valid now, and set the clocks right"
	case errors.As(err, &noTLS):
		return "it speaks no TLS and this member does; give it --peer-ca, --peer-cert and --peer-key, too"
	case errors.As(err, &stranger):
		return "its certificate is of another CA than this member's --peer-ca; issue both with the cluster's own"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate is not valid now; issue it again under the same name, and set the clocks right"
	case !secured && (errors.Is(err, errNoGreeting) || brokenOff(err)):
		return "its greeting is not like this member's; if it is under TLS, give this member --peer-ca, --peer-cert and --peer-key"
	case errors.Is(err, errNoGreeting):
		return "its greeting is not that of a member of this version; start it with the version of the others, and check that its address is that of a member"
	case secured && brokenOff(err):
		return "it ended the handshake early; if it speaks no TLS, give it --peer-ca, --peer-cert and --peer-key, too; if it does, see its own log"
	}
	return ""
}

// listensStill reports whether connections are accepted at addr. A process that was
// killed resets its connections and accepts no more.
func (p *Port) listensStill(ctx context.Context, addr string) bool {
	d := net.Dialer{Timeout: p.options.Timeout}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

func brokenOff(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}
