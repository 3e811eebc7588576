"""What keeps the desk running and tells how it is: no market, no orders."""
