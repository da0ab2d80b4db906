"""What a person can ask for, one file each.

An action fetches from the archive, hands plain objects to a capability, and stores the result.
"""
