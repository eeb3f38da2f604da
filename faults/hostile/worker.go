package hostile

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"voted/client"
)

const (
	// target is the poll that hostile requests are about; the honest load has others.
	target = "target"
	// answerTime bounds one exchange.
	answerTime = 5 * time.Second
	// shortTime is how long an answer is awaited to what may not be a whole request: one
	// that lies about its length is not answered before the node has lost its patience.
	shortTime = 60 * time.Millisecond
	// hungerTime is how long an answer is awaited to what is not a whole request.
	hungerTime = 20 * time.Millisecond
	// perConnection bounds how much goes over one connection.
	perConnection = 200
)

// preparePolls creates what hostile requests are about.
func (b *bench) preparePolls(ctx context.Context) error {
	c, err := client.New(b.c.Endpoints(), b.access.Options()...)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, m := range []client.Method{client.Plurality, client.IRV, client.ScoreVoting} {
		d := client.Definition{ID: target + "-" + string(m), Options: client.Options("a", "b", "c"), Method: m, Revote: client.RevoteUntilClose}
		if m == client.Plurality {
			d.ID = target
		}
		if _, err := c.CreatePoll(ctx, d); err != nil {
			return fmt.Errorf("the target cannot be created: %w", err)
		}
	}
	return nil
}

// worker sends inputs, one after the other.
type worker struct {
	*bench
	draw *rand.Rand
	node int
	conn net.Conn
	in   *bufio.Reader
	used int
}

func (w *worker) hangUp() {
	if w.conn != nil {
		_ = w.conn.Close()
	}
	w.conn = nil
}

// dial opens a connection to the public port, or with peer to the peer port.
func (w *worker) dial(addr string, secure bool) error {
	d := net.Dialer{Timeout: answerTime}
	var err error
	if secure {
		w.conn, err = tls.DialWithDialer(&d, "tcp", addr, w.access.TLS.Clone())
	} else {
		w.conn, err = d.Dial("tcp", addr)
	}
	if err != nil {
		w.conn = nil
		return err
	}
	w.in, w.used = bufio.NewReader(w.conn), 0
	return nil
}

// exchange sends one request over a connection that is kept, and judges the answer.
// forged says that nothing in it opens anything, open that it may not be whole.
func (w *worker) exchange(addr string, secure bool, text []byte, forged, open bool) error {
	// The answer to a forgery must not be taken for that of something smuggled before.
	if w.used >= perConnection || forged {
		w.hangUp()
	}
	if w.conn == nil {
		w.node = w.draw.IntN(len(w.c.Nodes))
		if err := w.dial(addr, secure); err != nil {
			w.note("O8", "a connection to %s was refused: %v", addr, err)
			w.hangUp()
			return nil
		}
	}
	w.used++
	_ = w.conn.SetDeadline(time.Now().Add(answerTime))
	if _, err := w.conn.Write(text); err != nil {
		w.hangUp() // the node had enough of the one before
		return nil
	}
	if open {
		_ = w.conn.SetReadDeadline(time.Now().Add(shortTime))
	}
	resp, err := http.ReadResponse(w.in, nil)
	if err != nil {
		w.hangUp() // it was not a request; to close is an answer
		return nil
	}
	w.judge(resp, text, forged)
	// What follows on the connection is not known: the request may have been two.
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	if err != nil || open || resp.Close || w.in.Buffered() > 0 {
		w.hangUp()
	}
	return nil
}

func (w *worker) judge(resp *http.Response, text []byte, forged bool) {
	w.r.Count(fmt.Sprintf("answers %dxx", resp.StatusCode/100), 1)
	switch {
	case broke(resp.StatusCode):
		w.note("O8", "%s to %.300q", resp.Status, text)
	case forged && resp.StatusCode >= 200 && resp.StatusCode < 300:
		w.note("O8", "let in with a forged credential: %s to %.900q", resp.Status, text)
	}
}

// broke tells whether a status says that the node, not the request, is at fault. Of the
// 5xx, HTTP itself answers 501 and 505 to what it does not speak, and a node 503 and 507
// when it cannot take anything just now.
func broke(status int) bool {
	switch status {
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported, http.StatusServiceUnavailable, http.StatusInsufficientStorage:
		return false
	}
	return status >= 500
}

// throw sends bytes on a fresh connection and looks whether anything comes back.
func (w *worker) throw(addr string, b []byte) error {
	w.hangUp()
	if err := w.dial(addr, false); err != nil {
		w.note("O8", "a connection to %s was refused: %v", addr, err)
		return nil
	}
	defer w.hangUp()
	_ = w.conn.SetDeadline(time.Now().Add(answerTime))
	if _, err := w.conn.Write(b); err != nil {
		return nil // it had enough already
	}
	_ = w.conn.SetReadDeadline(time.Now().Add(hungerTime))
	_, _ = w.conn.Read(make([]byte, 64)) // whatever it says
	return nil
}
