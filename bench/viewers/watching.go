package viewers

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// viewer is one stream, read as a browser reads it.
type viewer struct {
	conn   net.Conn
	lines  *bufio.Reader
	events []moment
	last   string // data of the last event
	err    error  // how it ended; nil after the certified result
}

// open connects to a node and asks for the live results of a poll.
func open(ctx context.Context, addr, poll, token string, config *tls.Config) (*viewer, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if config != nil {
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close() // the error is the one to report
			return nil, err
		}
		conn = secure
	}
	v := &viewer{conn: conn}
	if err := v.ask(addr, poll, token); err != nil {
		_ = conn.Close() // likewise
		return nil, err
	}
	return v, nil
}

func (v *viewer) ask(addr, poll, token string) error {
	authorization := ""
	if token != "" {
		authorization = "Authorization: Bearer " + token + "\r\n"
	}
	if _, err := fmt.Fprintf(v.conn, "GET /v1/polls/%s/results/stream HTTP/1.1\r\nHost: %s\r\n%s\r\n", poll, addr, authorization); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(v.conn, 2048), nil)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("a stream is answered with %s", resp.Status)
	}
	v.lines = bufio.NewReaderSize(resp.Body, 2048)
	return nil
}

// read reads events until the stream ends.
func (v *viewer) read() {
	defer v.conn.Close()
	event := ""
	var now moment
	for {
		line, err := v.lines.ReadString('\n')
		if err != nil {
			if !strings.Contains(v.last, `"certified":true`) {
				v.err = errors.Join(errors.New("a stream ended before the certified result"), err)
			}
			return
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "event":
			event = value
		case "id":
			number, _, _ := strings.Cut(value, "-")
			now.index, _ = strconv.ParseUint(number, 10, 64) // 0 where it is none: no event is taken for newer
		case "data":
			if event == "results" {
				now.at, v.last = time.Now(), value
				v.events = append(v.events, now)
			}
		}
	}
}

// crowd are all viewers.
type crowd struct {
	all     []*viewer
	reading sync.WaitGroup
}

// gather opens streams at the addresses in turn, and reads them.
func gather(ctx context.Context, n int, addrs []string, poll, token string, config *tls.Config) (*crowd, error) {
	c := &crowd{all: make([]*viewer, n)}
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("%d streams could not be opened in %v", n, startTimeout))
	defer cancel()
	places := make(chan struct{}, opening)
	var failed error
	var once sync.Once
	var opened sync.WaitGroup
	for i := range c.all {
		places <- struct{}{}
		opened.Go(func() {
			defer func() { <-places }()
			v, err := open(ctx, addrs[i%len(addrs)], poll, token, config)
			if err != nil {
				once.Do(func() { failed = fmt.Errorf("stream %d: %w", i+1, err) })
				cancel()
				return
			}
			c.all[i] = v
		})
	}
	opened.Wait()
	if failed != nil {
		c.end()
		return nil, failed
	}
	for _, v := range c.all {
		c.reading.Go(v.read)
	}
	return c, nil
}

// wait waits until all streams have ended by themselves.
func (c *crowd) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		c.reading.Wait()
		close(done)
	}()
	limit := time.NewTimer(endTimeout)
	defer limit.Stop()
	select {
	case <-done:
		return nil
	case <-limit.C:
		return fmt.Errorf("the certified result did not end all streams in %v", endTimeout)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end closes all streams, and returns when none is read any more.
func (c *crowd) end() {
	for _, v := range c.all {
		if v != nil {
			_ = v.conn.Close() // it may have ended by itself
		}
	}
	c.reading.Wait()
}
