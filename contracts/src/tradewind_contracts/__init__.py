"""The contract between Tradewind's services: models, events, topics, problem types and run ids."""
