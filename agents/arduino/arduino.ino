// The voltages at some analog inputs, for ocsd's ArduinoAgent (docs/write/arduino.md).
// Asked "r17" it answers "$17,0.4912,0.2201*09": the number, volts, and the
// exclusive or of all characters between $ and *.

const int INPUTS[] = {A0, A1};
const float FULL_SCALE_VOLTS = 5.0;

void setup() {
  Serial.begin(115200);
}

void loop() {
  String line = Serial.readStringUntil('\n');
  if (!line.startsWith("r")) return;
  String body = String(line.substring(1).toInt());
  for (int input : INPUTS) {
    body += "," + String(analogRead(input) * FULL_SCALE_VOLTS / 1023.0, 4);
  }
  byte sum = 0;
  for (unsigned int i = 0; i < body.length(); i++) sum ^= body[i];
  Serial.print("$" + body + (sum < 16 ? "*0" : "*"));
  Serial.println(sum, HEX);
}
