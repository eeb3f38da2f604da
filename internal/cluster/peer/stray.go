package peer

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"time"
)

const (
	// partingLimit and partingBytes bound how long a refused connection is kept after
	// the answer, and what is read from it: if it were closed with bytes unread, it
	// would be reset, and the other end might never see the answer.
	partingLimit = 500 * time.Millisecond
	partingBytes = 64 << 10

	// tlsHandshake and tlsMajor are the first bytes that a TLS client of any version
	// sends.
	tlsHandshake = 0x16
	tlsMajor     = 0x03
)

// strayAnswer is sent to an HTTP client that connects to the peer port. TLS clients at
// a port without TLS get the same; it shows them that there is no TLS here.
var strayAnswer = func() []byte {
	const text = "This is the peer port of a voted node, where only members of its cluster talk to each other.\n" +
		"Send HTTP requests to the address of its API (--api).\n"
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		http.StatusBadRequest, http.StatusText(http.StatusBadRequest), len(text), text)
}()

// strangerError says that the other end is not a member.
type strangerError struct {
	said []byte // its first bytes
}

// Error implements error.
func (*strangerError) Error() string { return errNoHello.Error() }

// Is makes it an errNoHello.
func (*strangerError) Is(target error) bool { return target == errNoHello }

// methods are the beginnings of HTTP requests.
var methods = []string{"GET ", "HEAD", "POST", "PUT ", "PATC", "DELE", "OPTI", "CONN", "TRAC"}

// isHTTP reports whether these are the first bytes of an HTTP client.
func isHTTP(said []byte) bool {
	return len(said) >= 4 && slices.Contains(methods, string(said[:4]))
}

func isTLS(said []byte) bool {
	return len(said) >= 2 && said[0] == tlsHandshake && said[1] == tlsMajor
}

// answerStranger answers a client that connected by mistake, if its protocol is known. It
// is bounded in time and bytes, and the connection still counts as undecided, so it is
// dropped if there are too many.
func (p *Port) answerStranger(c *conn, err error) {
	var stranger *strangerError
	var record tls.RecordHeaderError
	answer := false
	switch {
	case errors.As(err, &stranger):
		answer = isHTTP(stranger.said) || p.options.ServerTLS == nil && isTLS(stranger.said)
	case errors.As(err, &record) && record.Conn != nil:
		answer = isHTTP(record.RecordHeader[:])
	case p.options.ServerTLS == nil || c.Conn != c.raw || errors.Is(err, os.ErrDeadlineExceeded):
		return // it sent a greeting, or nothing
	}
	// TLS has already sent why its handshake failed.
	if answer {
		if _, failed := c.Conn.Write(strayAnswer); failed != nil {
			return
		}
	}
	half, ok := c.raw.(*net.TCPConn)
	if !ok || half.CloseWrite() != nil || half.SetReadDeadline(time.Now().Add(partingLimit)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, half, partingBytes)
}
