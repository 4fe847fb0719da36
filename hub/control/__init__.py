"""The control door: what runs the hub, for staff with duties; code first, beside `/graphql`."""
