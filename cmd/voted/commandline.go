package main

import (
	"runtime"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

// commandLine is the whole grammar: kong reads the flags from the fields, and
// the help from their tags.
type commandLine struct {
	commonFlags

	Demo  demoCommand  `cmd:"" help:"Three nodes on this machine, a real election, duplicates, and a leader killed: does it count exactly once?"`
	Dev   devCommand   `cmd:"" help:"An empty cluster on this machine, to try things."`
	Serve serveCommand `cmd:"" help:"One node."`

	Poll     pollCommands     `cmd:"" help:"Create, show, change, list, close and delete polls."`
	Cast     castCommand      `cmd:"" help:"Cast one ballot."`
	Receipt  receiptCommand   `cmd:"" help:"Show the receipt of a voter's ballot."`
	Import   importCommand    `cmd:"" help:"Cast the ballots of a file."`
	Export   exportCommand    `cmd:"" help:"Write the ballots of a poll."`
	Results  resultsCommand   `cmd:"" help:"Show the tally of a poll."`
	Tally    tallyCommand     `cmd:"" help:"Count the ballots of a file, without a cluster."`
	Schedule scheduleCommands `cmd:"" help:"Have polls created, changed, closed, drawn and deleted at a time."`
	Events   eventsCommand    `cmd:"" help:"Show what happened, and follow it."`
	Webhook  webhookCommands  `cmd:"" help:"Have events sent to a URL, and receive them to try things."`
	Roll     rollCommands     `cmd:"" help:"Say who may vote in a poll, and with what weight."`

	Cluster    clusterCommands    `cmd:"" help:"Show and change the members of a cluster."`
	CA         caCommands         `cmd:"" help:"Make the certificates of a cluster." name:"ca"`
	Token      tokenCommands      `cmd:"" help:"Make bearer tokens."`
	Credential credentialCommands `cmd:"" help:"Issue voting credentials, one link a voter."`
	Proof      proofCommands      `cmd:"" help:"Make the policies by which proofs are checked, and sign them."`
	Probe      probeCommand       `cmd:"" help:"Ask a cluster from outside, again and again, whether it counts exactly once."`
	Health     healthCommand      `cmd:"" help:"Ask a node whether it is well, for health checks."`
	Backup     backupCommand      `cmd:"" help:"Write everything that a cluster holds to a file."`
	Mirror     mirrorCommand      `cmd:"" help:"Copy the published log of a poll, and check it."`
	Witness    witnessCommand     `cmd:"" help:"Cosign the heads of a cluster's polls, for somebody who does not run it."`
	Verify     verifyCommands     `cmd:"" help:"Check receipts, published logs and backups, without a cluster."`
	Restore    restoreCommand     `cmd:"" help:"Put a backup in the place of what a cluster holds."`
	Recover    recoverCommand     `cmd:"" help:"Make one member a cluster again that has lost its quorum for good."`
	Version    versionCommand     `cmd:"" help:"Print the version."`
}

// commonFlags are understood by every command.
type commonFlags struct {
	Config    kong.ConfigFlag `help:"Read flags from this JSON file; the command line and the environment come first." placeholder:"FILE"`
	LogLevel  string          `help:"Least level that is logged: debug, info, warn or error." enum:"debug,info,warn,error" default:"info" placeholder:"LEVEL"`
	LogFormat string          `help:"text for people, json for machines; auto: text on a terminal." enum:"auto,text,json" default:"auto" placeholder:"FORMAT"`
}

type versionCommand struct {
	JSON bool `help:"Print JSON instead of text for people." name:"json"`
}

func (versionCommand) Help() string {
	return "Examples:\n\n    voted version\n    voted version --json"
}

// Run prints one line.
func (c versionCommand) Run(s *session) error {
	if c.JSON {
		return printJSON(s, map[string]string{"version": version(), "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
	}
	s.stdout.Linef("voted %s %s %s/%s", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// released is set by the release build: -ldflags "-X main.released=v1.2.3".
var released string

// version names this build: the release, the module's version or the commit.
func version() string {
	if released != "" {
		return released
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return "devel"
}
