package deploy

import (
	"errors"
	"os/exec"
	"testing"
)

// cannot is the exit code of a script that this machine is unable to run.
const cannot = 77

// The commands for systemd, exactly as in docs/operations.md.
func TestTheManualsInstallation(t *testing.T) {
	t.Parallel()
	out, err := run(t, "test/install.sh", t.TempDir())
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == cannot {
		t.Skip(out)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
