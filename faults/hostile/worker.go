package hostile

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"time"

	"voted/client"
	"voted/internal/cluster/peer"
	"voted/internal/localcluster"
)

const (
	// target is the poll that hostile requests are about. The honest load has other polls.
	target = "target"
	// answerTime bounds one exchange.
	answerTime = 5 * time.Second
	// partialTime is how long a worker waits for the answer to what may be a part of a
	// request. A node that waits for the rest answers only after its own time limit.
	partialTime = 60 * time.Millisecond
	// garbageTime is how long a worker waits for the answer to what is no request.
	garbageTime = 20 * time.Millisecond
	// perConnection bounds how many requests go over one connection.
	perConnection = 200
)

// preparePolls creates the polls that hostile requests are about.
func (b *bench) preparePolls(ctx context.Context) error {
	c, err := client.New(b.cluster.Endpoints(), b.access.Options()...)
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
	if b.secrets == nil {
		status, err := c.Cluster(ctx)
		if err != nil {
			return err
		}
		b.clusterID = status.ClusterID
	}
	return nil
}

// worker sends inputs, one after the other.
type worker struct {
	*bench
	draw *rand.Rand
	node int // that inputs go to
	conn net.Conn
	in   *bufio.Reader // from conn
	used int           // requests sent over conn
	to   string        // the address that conn leads to
	// The answer of the last exchange; status 0: there was none.
	status int
	body   bytes.Buffer
}

func (w *worker) hangUp() {
	if w.conn != nil {
		_ = w.conn.Close()
	}
	w.conn = nil
}

// dial opens a connection to a port, under TLS if secure. At a peer port without TLS most
// connections begin with a greeting.
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
	if w.clusterID != "" && w.isPeer(addr) && w.draw.IntN(10) > 0 {
		_ = w.conn.SetDeadline(time.Now().Add(answerTime))
		if err := peer.Greet(w.conn, w.clusterID, "n9"); err != nil {
			w.note("O8", "a greeting at %s was not answered: %v", addr, err)
		}
	}
	w.in, w.used, w.to = bufio.NewReader(w.conn), 0, addr
	return nil
}

func (w *worker) isPeer(addr string) bool {
	return slices.ContainsFunc(w.cluster.Nodes, func(n *localcluster.Node) bool { return n.PeerAddr == addr })
}

// exchange sends one request over a connection that is kept, and judges the answer. barred,
// if not empty, says why the request must be refused. partial says that it may be a part of
// a request.
func (w *worker) exchange(addr string, secure bool, text []byte, barred string, partial bool) error {
	w.status = 0
	w.body.Reset()
	// On a connection in use, its answer could be that to a request smuggled before.
	if w.used >= perConnection || barred != "" || w.to != addr {
		w.hangUp()
	}
	if w.conn == nil {
		w.node = w.draw.IntN(len(w.cluster.Nodes))
		if err := w.dial(addr, secure); err != nil {
			w.note("O8", "a connection to %s was refused: %v", addr, err)
			w.hangUp()
			return nil
		}
	}
	w.used++
	_ = w.conn.SetDeadline(time.Now().Add(answerTime))
	if _, err := w.conn.Write(text); err != nil {
		w.hangUp() // the node has closed it after the request before
		return nil
	}
	if partial {
		_ = w.conn.SetReadDeadline(time.Now().Add(partialTime))
	}
	resp, err := http.ReadResponse(w.in, nil)
	if err != nil {
		w.hangUp() // it was no request; a node may answer by closing the connection
		return nil
	}
	w.judge(resp, text, barred)
	// More may follow on the connection, because the text may have been two requests.
	if _, err = io.Copy(&w.body, io.LimitReader(resp.Body, 1<<20)); err == nil {
		w.status = resp.StatusCode
	}
	if err != nil || partial || resp.Close || w.in.Buffered() > 0 {
		w.hangUp()
	}
	return nil
}

// judge counts an answer, and notes one that must not be (O8).
func (w *worker) judge(resp *http.Response, text []byte, barred string) {
	w.run.Count(fmt.Sprintf("answers %dxx", resp.StatusCode/100), 1)
	switch {
	case broke(resp.StatusCode):
		w.note("O8", "%s to %.300q", resp.Status, text)
	case barred != "" && resp.StatusCode >= 200 && resp.StatusCode < 300:
		w.note("O8", "let in, %s: %s to %.900q", barred, resp.Status, text)
	}
}

// broke reports whether a status says that the node is at fault, not the request. Of the
// 5xx, 501 and 505 are right for requests that HTTP does not know, and 503 and 507 for a
// node that cannot take anything just now.
func broke(status int) bool {
	switch status {
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported, http.StatusServiceUnavailable, http.StatusInsufficientStorage:
		return false
	}
	return status >= 500
}

// throw sends bytes on a new connection, which the node must accept, and waits a moment for
// an answer of any kind.
func (w *worker) throw(addr string, b []byte) error {
	w.hangUp()
	if err := w.dial(addr, false); err != nil {
		w.note("O8", "a connection to %s was refused: %v", addr, err)
		return nil
	}
	defer w.hangUp()
	_ = w.conn.SetDeadline(time.Now().Add(answerTime))
	if _, err := w.conn.Write(b); err != nil {
		return nil // the node has closed it already
	}
	_ = w.conn.SetReadDeadline(time.Now().Add(garbageTime))
	_, _ = w.conn.Read(make([]byte, 64)) // any answer will do, and none
	return nil
}
