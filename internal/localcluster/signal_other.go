//go:build !unix

package localcluster

import (
	"errors"
	"os"
	"os/exec"
)

// quit kills: there is no gentle signal here.
var quit = os.Kill

var errNoPause = errors.New("this system cannot pause a process")

func isolate(*exec.Cmd) {}

func (p *process) pause() error   { return errNoPause }
func (p *process) proceed() error { return errNoPause }
