package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"syscall"
	"time"

	"voted/internal/poll"
)

// The bounds of a request. Nothing of an answer is kept but its status.
const (
	// DefaultTimeout is for a whole request, its connection included.
	DefaultTimeout = 15 * time.Second
	connectTimeout = 5 * time.Second
	// maxHeaderBytes and maxAnswerBytes are how much of an answer is read. What comes after
	// costs the connection, which is then closed.
	maxHeaderBytes = 16 << 10
	maxAnswerBytes = 4 << 10
	// idleTimeout is how long a connection is kept for the next event, and idleConnections how
	// many there are at most: one takes some 80 KiB with TLS.
	idleTimeout     = 30 * time.Second
	idleConnections = 256
)

// Request is one request to an endpoint.
type Request struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
}

// Sender sends requests to endpoints. Its methods may be called from any goroutine.
type Sender interface {
	// Send sends one request, and returns what came of it.
	Send(ctx context.Context, r Request) Answer
}

// Control decides about each address that is about to be dialled; see net.Dialer.
type Control func(network, address string, c syscall.RawConn) error

// client is the Sender that uses the network. It follows no redirect, and no proxy of the
// environment.
type client struct {
	transport *http.Transport
	timeout   time.Duration
}

// NewSender returns a Sender whose connections are made where control allows it.
func NewSender(control Control, timeout time.Duration) Sender {
	dialer := &net.Dialer{Timeout: connectTimeout, Control: control}
	return &client{timeout: timeout, transport: &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: connectTimeout, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(idleConnections)},
		// A dead connection is found and closed. Without this, HTTP/2 uses it again and again.
		HTTP2:              &http.HTTP2Config{SendPingTimeout: connectTimeout, PingTimeout: connectTimeout},
		DisableCompression: true, MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConns: idleConnections, MaxIdleConnsPerHost: maxAtHost, IdleConnTimeout: idleTimeout,
	}}
}

// Send implements Sender.
func (c *client) Send(ctx context.Context, r Request) (a Answer) {
	began := time.Now()
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	within = httptrace.WithClientTrace(within, &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) { a.Address = i.Conn.RemoteAddr().String() },
	})
	request, err := http.NewRequestWithContext(within, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		a.Fault, a.Failure = poll.FaultName, "The URL cannot be read."
		return a
	}
	request.Header = r.Header
	// A connection that the receiver closed meanwhile costs no attempt: the header is not
	// sent, and says that the request may be sent again.
	request.Header["Idempotency-Key"] = nil
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		a.Took = time.Since(began)
		a.Fault, a.Failure = fault(err, a.Took)
		return a
	}
	a.answered(response)
	a.Took = time.Since(began)
	return a
}

// answered reads what an answer says to the sender.
func (a *Answer) answered(r *http.Response) {
	_, _ = io.CopyN(io.Discard, r.Body, maxAnswerBytes) // so that the connection can be used again
	_ = r.Body.Close()
	a.Status = r.StatusCode
	if r.StatusCode == http.StatusTooManyRequests || r.StatusCode == http.StatusServiceUnavailable {
		a.Wait = retryAfter(r.Header.Get("Retry-After"), time.Now())
	}
	if n, err := strconv.ParseUint(r.Header.Get("Webhook-Allowed-Rate"), 10, 31); err == nil {
		a.Allowed = int(n)
	}
	if a.Result() != OK {
		a.Failure = fmt.Sprintf("It answered %d %s.", a.Status, http.StatusText(a.Status))
	}
}

// maxFailure bounds the bytes that are kept of an error.
const maxFailure = 200

// fault says why no answer came within a time. What came instead of one is not in the sentence:
// net/http has it in its errors, and nobody may read through a webhook what a machine says.
func fault(err error, within time.Duration) (poll.Fault, string) {
	var blocked interface{ Blocked() bool }
	var timeout interface{ Timeout() bool }
	var name *net.DNSError
	text := err.Error()
	text = strings.ToValidUTF8(text[:min(len(text), maxFailure)], "")
	switch {
	case errors.As(err, &blocked) && blocked.Blocked():
		return poll.FaultBlocked, "Not called: " + text + "."
	case errors.As(err, &name):
		return poll.FaultName, "The name " + name.Name + " leads to no address: " + name.Err + "."
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.As(err, &timeout) && timeout.Timeout():
		return poll.FaultTimeout, fmt.Sprintf("No answer came within %v.", within.Round(100*time.Millisecond))
	case isTLS(err):
		return poll.FaultTLS, "No TLS connection was made: " + text + "."
	case isConnection(err):
		return poll.FaultConnect, "No connection was made, or it broke: " + text + "."
	}
	return poll.FaultAnswer, "What came is no answer of HTTP."
}

func isTLS(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var unknown x509.UnknownAuthorityError
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &unknown) ||
		strings.HasPrefix(err.Error(), "tls: ") // most errors of crypto/tls have no type
}

func isConnection(err error) bool {
	var op *net.OpError
	switch err.Error() {
	case "http: server closed idle connection", "http2: client connection lost": // net/http exports neither
		return true
	}
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}
