//go:build !linux

package netns

import (
	"context"
	"errors"
)

// Network is the namespaces of one cluster. There are none on this system.
type Network struct{}

var errSystem = errors.New("this system has no network namespaces")

// New returns an error: this system has no network namespaces.
func New(context.Context, int) (*Network, error) { return nil, errSystem }

// Host is never called: there is no Network.
func (*Network) Host(int) string { return "" }

// Enter is never called: there is no Network.
func (*Network) Enter(int, func() error) error { return errSystem }

// Isolate is never called: there is no Network.
func (*Network) Isolate(int, bool, bool) error { return errSystem }

// CutPair is never called: there is no Network.
func (*Network) CutPair(int, int) error { return errSystem }

// Throttle is never called: there is no Network.
func (*Network) Throttle(int) error { return errSystem }

// Delay is never called: there is no Network.
func (*Network) Delay(int) error { return errSystem }

// Mend is never called: there is no Network.
func (*Network) Mend() error { return errSystem }

// Move is never called: there is no Network.
func (*Network) Move(int, string) {}

// Up is never called: there is no Network.
func (*Network) Up(int) error { return errSystem }

// Down is never called: there is no Network.
func (*Network) Down(int) {}

// Close is never called: there is no Network.
func (*Network) Close() {}

// String is never called: there is no Network.
func (*Network) String() string { return "" }
