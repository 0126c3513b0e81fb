from channels.generic.websocket import AsyncJsonWebsocketConsumer


class ChatConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        if not self.scope["user"].is_authenticated:
            await self.close()
            return
        self.group = f"chat_{self.scope['url_route']['kwargs']['name']}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        if hasattr(self, "group"):
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content):
        line = f"{self.scope['user'].get_username()}: {content['text']}"
        await self.channel_layer.group_send(self.group, {"type": "chat.line", "line": line})

    async def chat_line(self, event):
        await self.send_json({"line": event["line"]})
