"""A light client of the beacon chain: how a vehicle comes to trust a block by itself.

From one block root that somebody trusted has given it follows the signatures of the sync
committees, 512 validators that change every 27 hours, up to a block of the present. Nobody who is
asked on the way is trusted. See docs/light-node.md; it takes the extra `light`.
"""
