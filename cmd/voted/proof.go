package main

type proofCommands struct {
	Key    proofKeyCommand `cmd:"" help:"Make a member's proof key where another CA certifies it."`
	Policy proofPolicy     `cmd:"" help:"Write the policy of a poll: whose signatures make its proofs good."`
	Get    proofGet        `cmd:"" help:"Fetch the proof of a voter's ballot."`
	Sign   proofSign       `cmd:"" help:"Sign a new policy with a key of the one before."`
}
