//go:build !unix

package localcluster

import (
	"errors"
	"os"
)

// quit kills: there is no gentle signal here.
var quit = os.Kill

var errNoPause = errors.New("this system cannot pause a process")

func (p *process) pause() error   { return errNoPause }
func (p *process) proceed() error { return errNoPause }
