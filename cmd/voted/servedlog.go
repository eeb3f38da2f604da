package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"time"

	"voted/client"
	"voted/cmd/voted/verify"
	"voted/internal/usage"
	"voted/proof"
)

// nodeFlags name a node whose log is read instead of a directory.
type nodeFlags struct {
	Node string `help:"Node that serves the log: read it from there, and keep nothing." placeholder:"URL"`

	credentialFlags
}

// logFrom opens the log that a node serves of the poll of a head.
func (f nodeFlags) logFrom(ctx context.Context, head []byte) (l *verify.Log, end func(), err error) {
	n, err := proof.ParseNote(head)
	var c proof.Checkpoint
	if err == nil {
		c, err = proof.ParseCheckpoint(n.Text)
	}
	var o proof.Origin
	if err == nil {
		o, err = proof.ParseOrigin(c.Origin)
	}
	if err != nil {
		return nil, nil, usage.Errorf("the later head does not say of which poll it is: %w", err)
	}
	cl, err := (&connection{Endpoint: []string{f.Node}, Timeout: nodeTimeout, credentialFlags: f.credentialFlags}).open()
	if err != nil {
		return nil, nil, err
	}
	if l, err = verify.OpenLog(&servedLog{ctx: ctx, client: cl, poll: o.Poll}); err != nil {
		cl.Close()
		return nil, nil, usage.Errorf("%s serves no log of %s that can be read: %w", f.Node, o.Poll, err)
	}
	return l, cl.Close, nil
}

// nodeTimeout is how long a node may take for one file of a log.
const nodeTimeout = 30 * time.Second

// servedLog is a log that a node serves, as a directory. It keeps the last file. It is for one
// goroutine.
type servedLog struct {
	ctx    context.Context
	client *client.Client
	poll   string

	name string
	last []byte
}

// Open implements fs.FS.
func (l *servedLog) Open(name string) (fs.File, error) {
	if name != l.name {
		b, err := l.client.LogFile(l.ctx, l.poll, name)
		var refused *client.Error
		if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
			err = errors.Join(fs.ErrNotExist, err)
		}
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		l.name, l.last = name, b
	}
	return &servedFile{Reader: bytes.NewReader(l.last), name: name}, nil
}

// servedFile is a file that was fetched.
type servedFile struct {
	*bytes.Reader
	name string
}

// Close implements fs.File.
func (*servedFile) Close() error { return nil }

// Stat implements fs.File.
func (f *servedFile) Stat() (fs.FileInfo, error) { return f, nil }

// Name implements fs.FileInfo.
func (f *servedFile) Name() string { return f.name }

// Mode implements fs.FileInfo.
func (*servedFile) Mode() fs.FileMode { return 0o444 }

// ModTime implements fs.FileInfo.
func (*servedFile) ModTime() time.Time { return time.Time{} }

// IsDir implements fs.FileInfo.
func (*servedFile) IsDir() bool { return false }

// Sys implements fs.FileInfo.
func (*servedFile) Sys() any { return nil }
