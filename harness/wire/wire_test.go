package wire

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"voted/internal/ports/portstest"
)

// echo answers every line with itself.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	return l.Addr().String()
}

func TestACutDirectionHoldsWhatIsSentUntilItIsMended(t *testing.T) {
	t.Parallel()
	if !CanIdentify() {
		t.Skip("this system does not say which process dialled")
	}
	for name, inwards := range map[string]bool{"to the member": true, "from the member": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Given member 0, which is this process, and member 1, which echoes.
			listen := []string{portstest.Addr(t), portstest.Addr(t)}
			p, err := NewPeers(listen, []string{"127.0.0.1:1", echo(t)}, func(i int) int {
				if i == 0 {
					return os.Getpid()
				}
				return 0
			})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			c, err := net.Dial("tcp", listen[1])
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			in := bufio.NewReader(c)
			say := func(text string, wait time.Duration) error {
				fmt.Fprintln(c, text)
				c.SetReadDeadline(time.Now().Add(wait))
				got, err := in.ReadString('\n')
				if err == nil && got != text+"\n" {
					t.Errorf("sent %q, received %q", text, got)
				}
				return err
			}
			if err := say("before", 5*time.Second); err != nil {
				t.Fatal(err)
			}
			if err := p.Isolate(1, inwards, !inwards); err != nil {
				t.Fatal(err)
			}
			if err := say("held", 100*time.Millisecond); err == nil {
				t.Error("an answer arrived although the direction was cut")
			}
			if err := p.Mend(); err != nil {
				t.Fatal(err)
			}
			c.SetReadDeadline(time.Now().Add(5 * time.Second))
			if got, err := in.ReadString('\n'); err != nil || got != "held\n" {
				t.Errorf("after the cut was mended: %q, %v", got, err)
			}
			// A member that is down refuses connections; one that is up takes them.
			p.Down(1)
			if c, err := net.Dial("tcp", listen[1]); err == nil {
				c.Close()
				t.Error("a member that is down took a connection")
			}
			if err := p.Up(1); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestARequestWhoseAnswerIsCutOffWasCarriedOut(t *testing.T) {
	t.Parallel()
	done := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		done++
		io.WriteString(w, strings.Repeat("line\n", 100_000))
	}))
	defer s.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	cutter := &Cutter{RoundTripper: transport}
	c := http.Client{Transport: cutter}
	cutter.SetShare(1)
	if resp, err := c.Get(s.URL); err == nil {
		resp.Body.Close()
		t.Error("a short answer was not cut off")
	}
	resp, err := c.Post(s.URL, "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if err == nil || n > bulkCutBytes {
		t.Errorf("%d bytes of a stream arrived, with the error %v; want an error, and at most %d bytes", n, err, bulkCutBytes)
	}
	cutter.SetShare(0)
	if resp, err := c.Get(s.URL); err != nil {
		t.Error(err)
	} else {
		resp.Body.Close()
	}
	if done != 3 || cutter.Cut() != 2 {
		t.Errorf("%d requests were carried out, %d answers cut; want 3 and 2", done, cutter.Cut())
	}
}
