// Package natstest runs real NATS servers with JetStream inside of a test or a demonstration.
package natstest

import (
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"voted/internal/ports"
)

// startTimeout bounds a start: it takes milliseconds, unless the machine is busy.
const startTimeout = 30 * time.Second

// Server is one server on loopback. It keeps its port and its files when it is stopped and started again.
type Server struct {
	dir     string
	block   *ports.Block // has the port, also while the server is stopped
	port    int
	options func(*server.Options)

	running *server.Server
}

// Start starts a server for a test, which stops it at its end. Each option may change what it is started with.
func Start(t testing.TB, options ...func(*server.Options)) *Server {
	t.Helper()
	s, err := New(t.TempDir(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// New starts a server that keeps its streams in a directory; the caller must call Close, but not after an error.
func New(dir string, options ...func(*server.Options)) (*Server, error) {
	block, err := ports.Claim(1)
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, block: block, port: block.First, options: func(o *server.Options) {
		for _, change := range options {
			change(o)
		}
	}}
	if err := s.Restart(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close ends the server for good.
func (s *Server) Close() {
	s.Stop()
	s.block.Release()
}

// URL is where the server listens.
func (s *Server) URL() string { return fmt.Sprintf("nats://127.0.0.1:%d", s.port) }

// Stop ends the server, if it runs; its files stay.
func (s *Server) Stop() {
	if s.running != nil {
		s.running.Shutdown()
		s.running.WaitForShutdown()
		s.running = nil
	}
}

// Restart starts the server again after Stop, at the same port and with the same files.
func (s *Server) Restart() error {
	o := &server.Options{
		Host: "127.0.0.1", Port: s.port, JetStream: true, StoreDir: s.dir,
		NoLog: true, NoSigs: true, DisableJetStreamBanner: true,
	}
	s.options(o)
	running, err := server.NewServer(o)
	if err != nil {
		return fmt.Errorf("a NATS server cannot be made: %w", err)
	}
	running.Start()
	if !running.ReadyForConnections(startTimeout) {
		running.Shutdown()
		return fmt.Errorf("a NATS server is not ready after %s", startTimeout)
	}
	at, ok := running.Addr().(*net.TCPAddr)
	if !ok {
		running.Shutdown()
		return errors.New("a NATS server listens at no port")
	}
	s.running, s.port = running, at.Port
	return nil
}
