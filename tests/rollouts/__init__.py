"""Rolling deploys: the lab, the application and the load that prove them."""
