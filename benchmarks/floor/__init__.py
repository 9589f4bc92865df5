"""What Python, twisted, autobahn and crossbar cost by themselves, beside ocsd and OCS."""
