package peer

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestAClientOfHTTPAtThePeerPortIsToldWhereItIs(t *testing.T) {
	t.Parallel()
	ca := newCrowd(t)
	plain, secure := listen(t, Options{ID: "n1"}), listen(t, ca.member(t, "n1"))
	var called atomic.Bool
	for _, p := range []*Port{plain, secure} {
		p.Handle(func(context.Context, string, []byte) ([]byte, error) { called.Store(true); return nil, nil }, "status")
	}
	insecure := &tls.Config{InsecureSkipVerify: true}
	asMember := ca.member(t, "n2").ClientTLS
	for name, x := range map[string]struct {
		at     *Port
		scheme string
		config *tls.Config
		says   string // empty: that it is the peer port
	}{
		"HTTP at a port without TLS":  {plain, "http", insecure, ""},
		"HTTP at a port under TLS":    {secure, "http", insecure, ""},
		"HTTPS with a certificate":    {secure, "https", asMember, ""},
		"HTTPS without a certificate": {secure, "https", insecure, "tls: certificate required"},
		"HTTPS at a port without TLS": {plain, "https", insecure, "server gave HTTP response to HTTPS client"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
			t.Run(name+", "+method, func(t *testing.T) {
				t.Parallel()
				client := &http.Client{Transport: &http.Transport{TLSClientConfig: x.config}, Timeout: 10 * time.Second}
				defer client.CloseIdleConnections()
				request, err := http.NewRequestWithContext(t.Context(), method, x.scheme+"://"+x.at.Addr()+callPath+"status", strings.NewReader(strings.Repeat("x", 1000)))
				must(t, err)
				response, err := client.Do(request)
				switch {
				case x.says != "":
					if err == nil || !strings.Contains(err.Error(), x.says) {
						t.Errorf("the client says %v", err)
					}
				case err != nil:
					t.Errorf("the client says %v", err)
				default:
					defer response.Body.Close()
					body, err := io.ReadAll(response.Body)
					if err != nil || response.StatusCode != http.StatusBadRequest || !strings.HasPrefix(string(body), "This is the peer port of a voted node") {
						t.Errorf("it answers %s, %q, %v", response.Status, body, err)
					}
				}
				if called.Load() {
					t.Error("a stranger's call was carried out")
				}
			})
		}
	}
}

func TestAStrangerIsNotKeptAtThePeerPort(t *testing.T) {
	t.Parallel()
	for name, said := range map[string]string{
		"it waits":           "GET / HTTP/1.1\r\n",
		"it sends forever":   "PUT / HTTP/1.1\r\n" + strings.Repeat("x", 10*partingBytes),
		"it is no HTTP":      "hello, is anybody there?",
		"it is nearly voted": "vot0\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := listen(t, Options{ID: "n1"})
			c, err := net.Dial("tcp", p.Addr())
			must(t, err)
			defer c.Close()
			go func() { _, _ = io.WriteString(c, said) }() // it may be cut off
			// The answer ends at once; the connection when the port has closed it.
			must(t, c.SetReadDeadline(time.Now().Add(5*time.Second)))
			got, err := io.ReadAll(c)
			if isTimeout(err) {
				t.Error("it is kept")
			}
			if answers := strings.HasPrefix(said, "GET") || strings.HasPrefix(said, "PUT"); answers != bytes.HasPrefix(got, []byte("HTTP/1.1 400 ")) {
				t.Errorf("it is answered %q", got)
			}
			eventually(t, "the port forgets it", func() bool {
				p.conns.mu.Lock()
				defer p.conns.mu.Unlock()
				return len(p.conns.all) == 0
			})
		})
	}
}

func TestAMemberWithTLSHearsAtOnceThatAnotherSpeaksNone(t *testing.T) {
	t.Parallel()
	ca := newCrowd(t)
	a, b := listen(t, ca.member(t, "n1")), listen(t, Options{ID: "n2"})
	_, err := a.Call(within(t, 5*time.Second), b.Addr(), "status", nil)
	var unheard *UnheardError
	if !errors.As(err, &unheard) || !strings.HasPrefix(unheard.Because, "it speaks no TLS and this member does") {
		t.Errorf("it says %v", err)
	}
}
