package jetstream

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"voted/bridge/natstest"
)

// told is what a connection says, in order.
type told struct{ lost, closed chan error }

func (c *told) dial(t *testing.T, url string) *Conn {
	t.Helper()
	c.lost, c.closed = make(chan error, 1000), make(chan error, 1)
	conn, err := Dial(Access{
		URLs: []string{url}, Log: quiet(),
		Lost: func(err error) { c.lost <- err }, Closed: func(err error) { c.closed <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// await waits until Lost is told this; "" is that the connection is there again.
func (c *told) await(t *testing.T, sentence string) {
	t.Helper()
	for end := time.After(patience); ; {
		select {
		case err := <-c.lost:
			if sentence == "" && err == nil || sentence != "" && err != nil && strings.Contains(err.Error(), sentence) {
				return
			}
		case err := <-c.closed:
			t.Fatalf("the connection is closed for good: %v", err)
		case <-end:
			t.Fatalf("%q was never told", sentence)
		}
	}
}

func TestABrokerThatRefusesTheCredentialsIsTriedAgainForever(t *testing.T) {
	t.Parallel()
	password := ""
	broker := natstest.Start(t, func(o *server.Options) {
		if password != "" {
			o.Username, o.Password = "bridge", password
		}
	})
	restart := func(with string) {
		broker.Stop()
		password = with
		if err := broker.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	var early, late told
	conn := early.dial(t, broker.URL())
	restart("secret")
	late.dial(t, broker.URL())
	late.await(t, "Authorization Violation")
	for range 3 { // the library alone gives up after two
		early.await(t, "does not accept the bridge's credentials")
	}
	restart("")
	early.await(t, "")
	late.await(t, "")
	if !conn.nc.IsConnected() {
		t.Error("it says that the connection is there, and it is not")
	}
}

func TestAConnectionThatIsClosedForGoodSaysSoUnlessTheBridgeClosedIt(t *testing.T) {
	t.Parallel()
	broker := natstest.Start(t)
	var c, own told
	if err := c.dial(t, broker.URL()).nc.Publish(strings.Repeat("a", 5000), nil); err != nil { // the broker takes 4,096
		t.Fatal(err)
	}
	select {
	case err := <-c.closed:
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), "maximum control line") {
			t.Errorf("it says %v", err)
		}
	case <-time.After(patience):
		t.Fatal("it says nothing")
	}
	conn := own.dial(t, broker.URL())
	conn.Close()
	select {
	case err := <-own.closed:
		t.Errorf("the bridge closed it, and is told %v", err)
	case <-time.After(100 * time.Millisecond): // what must not come has no event
	}
}
