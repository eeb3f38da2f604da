package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// speaks listens on this machine, and has each connection handled by serve once a request came.
// It returns its port.
func speaks(t *testing.T, serve func(c net.Conn)) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var tasks sync.WaitGroup
	tasks.Go(func() { // ends with the listener
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			tasks.Go(func() {
				defer c.Close()
				if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					_, _ = io.Copy(io.Discard, r.Body)
					serve(c)
				}
			})
		}
	})
	t.Cleanup(tasks.Wait)
	t.Cleanup(func() { _ = l.Close() })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// Through a webhook nobody must be able to read what a machine says.
func TestNothingThatAReceiverSaysIsInWhatNodesWriteOrAnswer(t *testing.T) {
	t.Parallel()
	const planted = "planted-by-the-receiver"
	ended := make(chan struct{}, 100)
	ports := map[string]string{
		// Its words come instead of an answer.
		"banner": speaks(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-"+planted+"\r\n") }),
		// They come after an answer, when nobody asked for more.
		"unasked": speaks(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
			_, _ = io.WriteString(c, planted)
			_, _ = io.Copy(io.Discard, c) // until the node has read it, and closes the connection
			ended <- struct{}{}
		}),
	}
	args := []string{"--webhook-key", keyFile(t), "--webhook-allow-http", "--webhook-allow", "127.0.0.0/8", "--log-level", "debug"}
	for _, port := range ports {
		args = append(args, "--webhook-allow", port)
	}
	c := start(t, args...)
	contents := map[string][]byte{}
	for name, port := range ports {
		definition := map[string]any{"url": "http://127.0.0.1:" + port + "/"}
		if status, text := ask(t, c, http.MethodPut, "/v1/webhooks/"+name, definition); status != http.StatusCreated {
			t.Fatalf("%s: %d %s", name, status, text)
		}
		_, contents["ping of "+name] = ask(t, c, http.MethodPost, "/v1/webhooks/"+name+"/ping", map[string]any{})
		for _, path := range []string{"/v1/webhooks/" + name, "/v1/webhooks/" + name + "/attempts"} {
			_, contents[path] = ask(t, c, http.MethodGet, path, nil)
		}
	}
	if ping := string(contents["ping of banner"]); !strings.Contains(ping, "no answer of HTTP") {
		t.Errorf("the banner is answered with %s", ping)
	}
	<-ended
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	for path, content := range filesOf(t, c) {
		contents[path] = content
	}
	if found := holding(contents, [][]byte{[]byte(planted)}); len(found) > 0 {
		t.Errorf("what a receiver said is in %q", found)
	}
}
